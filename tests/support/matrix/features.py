"""Every feature that a pair is tried with, and the test that tries it."""

from __future__ import annotations

from typing import Final

FEATURES: Final[dict[str, str]] = {
    "text": "test_a_model_answers_a_client",
    "streaming": "test_a_model_streams_to_a_client",
    "system": "test_what_the_system_says_is_the_systems_at_the_provider",
    "tools": "test_a_tool_is_called_and_its_result_is_answered",
    "several tools at once": "test_two_tools_are_called_at_once_and_both_results_find_their_call",
    "streamed tool arguments": "test_arguments_come_in_pieces_as_they_are_written",
    "structured output": "test_an_answer_follows_the_schema_that_the_client_sent",
    "JSON mode": "test_an_answer_is_json_where_the_client_wants_it",
    "images (data)": "test_a_picture_reaches_the_model",
    "images (url)": "test_a_picture_at_an_address_reaches_the_model",
    "files (data)": "test_a_document_reaches_the_model",
    "reasoning": "test_what_a_model_thinks_is_shown",
    "reasoning signatures": "test_the_proof_of_a_thought_comes_back_to_who_made_it",
    "stop reasons": "test_why_a_model_stopped_is_told_in_the_clients_words",
    "stop sequences": "test_a_parameter_reaches_the_model_or_is_named_as_dropped",
    "seed": "test_a_parameter_reaches_the_model_or_is_named_as_dropped",
    "top_k": "test_a_parameter_reaches_the_model_or_is_named_as_dropped",
    "penalties": "test_a_parameter_reaches_the_model_or_is_named_as_dropped",
    "cached tokens": "test_cached_tokens_are_counted",
    "errors": "test_what_was_wrong_with_a_request_is_said_in_the_providers_words",
    "limits": "test_a_limit_is_told_with_the_time_to_wait",
    "refused keys": "test_a_key_that_the_provider_refuses_is_the_gateways_trouble_and_never_shown",
    "what is no answer": "test_what_is_no_answer_is_the_providers_fault",
    "errors in mid-stream": "test_an_error_inside_of_a_stream_is_raised_by_the_clients_library",
    "streams that die": "test_a_stream_that_dies_is_no_whole_answer",
    "cancellation": "test_a_client_that_hangs_up_stops_the_model_and_its_bill",
}
