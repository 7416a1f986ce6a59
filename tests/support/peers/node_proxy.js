// Sends each request on to the port that it was started with, and answers with what it reads there: Node as a client.
const http = require("http");
const port = Number(process.argv[2]);
const server = http.createServer((request, response) => {
  const asked = http.request({ port, host: "127.0.0.1", path: request.url, method: request.method, agent: false }, (answer) => {
    const pieces = [];
    answer.on("data", (piece) => pieces.push(piece));
    answer.on("error", () => response.destroy());
    answer.on("end", () => {
      if (!answer.complete) return response.destroy();
      response.statusCode = answer.statusCode;
      response.end(Buffer.concat(pieces));
    });
  });
  asked.on("error", () => {
    if (response.headersSent) return response.destroy();
    response.statusCode = 502;
    response.end();
  });
  asked.on("upgrade", () => response.destroy());
  asked.end();
});
server.listen(0, "127.0.0.1", () => console.log(server.address().port));
