// Says of each request what it was taken for, and how many were taken so far. Strict, as Node is by default.
const http = require("http");
let taken = 0;
const server = http.createServer((request, response) => {
  const pieces = [];
  request.on("data", (piece) => pieces.push(piece));
  request.on("end", () => {
    const reading = {
      method: request.method,
      target: request.url,
      host: request.headers.host ?? "",
      body: Buffer.concat(pieces).toString("latin1"),
    };
    response.setHeader("x-reading", Buffer.from(JSON.stringify(reading)).toString("hex"));
    response.setHeader("x-taken", ++taken);
    response.end();
  });
});
server.listen(0, "127.0.0.1", () => console.log(server.address().port));
