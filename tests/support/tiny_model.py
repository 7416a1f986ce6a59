"""A language model of random weights, for a real inference server: `python tiny_model.py tiny.gguf`.

It wants `gguf` and `numpy`, which come with the server and not with Headgate. Its words mean nothing, and are the same each
time: the bytes of its vocabulary and the end of an answer are never likely, so it speaks until its bound, in whole words.
"""

from __future__ import annotations

import sys
from itertools import product

import gguf
import numpy as np

LAYERS, WIDTH, HEADS, INNER, WINDOW = 2, 64, 4, 128, 2048
SPECIAL = ["<unk>", "<s>", "</s>"]
WORDS = ["▁" + "".join(one) for one in product("bdfgklmnprst", "aeiou", "bdfgklmnprst")]


def main(path: str) -> None:
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_name("tiny")
    writer.add_context_length(WINDOW)
    writer.add_embedding_length(WIDTH)
    writer.add_block_count(LAYERS)
    writer.add_feed_forward_length(INNER)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(HEADS)
    writer.add_rope_dimension_count(WIDTH // HEADS)
    writer.add_layer_norm_rms_eps(1e-5)
    size = vocabulary(writer)
    weights(writer, size)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def vocabulary(writer: gguf.GGUFWriter) -> int:
    """Special tokens, a token for each byte, and words. Gives how many there are."""
    kinds = gguf.TokenType
    tokens = [*SPECIAL, *(f"<0x{byte:02X}>" for byte in range(256)), "▁", *WORDS]
    types = [kinds.UNKNOWN, kinds.CONTROL, kinds.CONTROL, *[kinds.BYTE] * 256, *[kinds.NORMAL] * (1 + len(WORDS))]
    writer.add_tokenizer_model("llama")
    writer.add_token_list(tokens)
    writer.add_token_scores([0.0] * len(tokens))
    writer.add_token_types(types)
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_unk_token_id(0)
    writer.add_vocab_size(len(tokens))
    return len(tokens)


def weights(writer: gguf.GGUFWriter, size: int) -> None:
    """Random, from one seed. What is not to be said has no weight in the output."""
    random = np.random.default_rng(7)

    def matrix(*shape: int) -> np.ndarray:
        return random.normal(0.0, 0.3, shape).astype(np.float32)

    output = matrix(size, WIDTH)
    output[: len(SPECIAL) + 257] = 0.0
    writer.add_tensor("token_embd.weight", matrix(size, WIDTH))
    writer.add_tensor("output_norm.weight", np.ones(WIDTH, np.float32))
    writer.add_tensor("output.weight", output * 4)
    for layer in range(LAYERS):
        name = f"blk.{layer}."
        for norm in ("attn_norm", "ffn_norm"):
            writer.add_tensor(f"{name}{norm}.weight", np.ones(WIDTH, np.float32))
        for part in ("attn_q", "attn_k", "attn_v", "attn_output"):
            writer.add_tensor(f"{name}{part}.weight", matrix(WIDTH, WIDTH))
        for part in ("ffn_gate", "ffn_up"):
            writer.add_tensor(f"{name}{part}.weight", matrix(INNER, WIDTH))
        writer.add_tensor(f"{name}ffn_down.weight", matrix(WIDTH, INNER))


if __name__ == "__main__":
    main(sys.argv[1])
