// The demo's search service in Node: embeds the question, asks the vector database over gRPC, ranks what it finds.
// It behaves as the one in Rust does, with Express, grpc-js and their OpenTelemetry instrumentation.
"use strict";

const { provider, service } = require("./telemetry.js");

const fs = require("node:fs");
const path = require("node:path");
const { setTimeout: sleep } = require("node:timers/promises");

const grpc = require("@grpc/grpc-js");
const protoLoader = require("@grpc/proto-loader");
const { SpanKind, SpanStatusCode, context, propagation, trace } = require("@opentelemetry/api");
const express = require("express");

const { embed } = require("./embedding.js");
const faults = require("./fault.js");

const PASSAGES_FOUND = 5;
const VECTOR_DB_DEADLINE_MS = 1000;
const MESSAGE_BYTES_MAX = 64 << 20;
// The process must end even if a flush hangs.
const STOP_MS = 9000;

const tracer = trace.getTracer("headwater.demo", "0.1.0");
const passages = readPassages(path.join(__dirname, "passages.md"));
const model = process.env.OPENAI_API_KEY && process.env.OPENAI_EMBEDDING_MODEL;
const modelUrl = (process.env.OPENAI_BASE_URL || "https://api.openai.com/v1").replace(/\/$/, "");
const vectors = connect(process.env.VECTOR_DB_URL ?? "");

// `## id: title` lines with the text below each.
function readPassages(file) {
  const passages = new Map();
  let passage;
  for (const line of fs.readFileSync(file, "utf8").split("\n")) {
    const head = /^## (.*?): (.*)$/.exec(line);
    if (head) passages.set(head[1], (passage = { id: head[1], title: head[2], text: "" }));
    else if (passage && line) passage.text += (passage.text ? " " : "") + line;
  }
  return passages;
}

function connect(url) {
  const definition = protoLoader.loadSync(path.join(__dirname, "vector_db.proto"), { longs: Number });
  const { VectorDb } = grpc.loadPackageDefinition(definition).headwater.demo;
  const options = { "grpc.max_send_message_length": MESSAGE_BYTES_MAX, "grpc.enable_http_proxy": 0 };
  return new VectorDb(url.replace(/^http:\/\//, ""), grpc.credentials.createInsecure(), options);
}

// One vector for each text, in order.
async function vectorsOf(texts) {
  if (!model) return texts.map(embed);
  const answer = await fetch(`${modelUrl}/embeddings`, {
    method: "POST",
    headers: { "content-type": "application/json", authorization: `Bearer ${process.env.OPENAI_API_KEY}` },
    body: JSON.stringify({ model, input: texts }),
  });
  if (!answer.ok) throw new Error(`the provider answered ${answer.status} to a request for embeddings`);
  return (await answer.json()).data.map((one) => one.embedding);
}

// Runs `work` within a span of its own.
function within(name, kind, attributes, work) {
  return tracer.startActiveSpan(name, { kind, attributes }, async (span) => {
    try {
      return await work(span);
    } catch (error) {
      span.recordException(error);
      span.setStatus({ code: SpanStatusCode.ERROR, message: error.message });
      throw error;
    } finally {
      span.end();
    }
  });
}

function embedQuestion(question) {
  const name = model || "headwater-hash-512";
  const attributes = {
    "gen_ai.operation.name": "embeddings",
    "gen_ai.provider.name": model ? "openai" : "headwater",
    "gen_ai.request.model": name,
  };
  return within(`embeddings ${name}`, model ? SpanKind.CLIENT : SpanKind.INTERNAL, attributes, async (span) => {
    const vectors = await vectorsOf([question, keywords(question)]);
    span.setAttribute("gen_ai.embeddings.dimension.count", vectors[0].length);
    return vectors;
  });
}

function askVectorDb(vector) {
  const metadata = new grpc.Metadata();
  metadata.set("x-caller", service);
  const deadline = Date.now() + VECTOR_DB_DEADLINE_MS;
  return new Promise((resolve, reject) => {
    vectors.Search({ vector, limit: PASSAGES_FOUND }, metadata, { deadline }, (error, answer) => {
      error ? reject(error) : resolve(answer.hits ?? []);
    });
  });
}

// The words that carry the meaning: those of five letters or more; all of them where there are none.
function keywords(question) {
  const long = question.split(/\s+/).filter((word) => (word.match(/[\p{L}\p{N}]/gu) ?? []).length >= 5);
  return long.length ? long.join(" ") : question;
}

// Both lists as one, each passage with its better score, the best first.
function best(one, other) {
  const scores = new Map();
  for (const { id, score } of [...one, ...other]) scores.set(id, Math.max(score, scores.get(id) ?? -Infinity));
  const hits = [...scores].map(([id, score]) => ({ id, score }));
  return hits.sort((a, b) => b.score - a.score || (a.id < b.id ? -1 : 1)).slice(0, PASSAGES_FOUND);
}

function retrieve(question, vectors) {
  const attributes = {
    "gen_ai.operation.name": "retrieval",
    "gen_ai.data_source.id": "passages",
    "gen_ai.retrieval.query.text": question,
    "gen_ai.request.top_k": PASSAGES_FOUND,
  };
  return within("retrieval passages", SpanKind.INTERNAL, attributes, async (span) => {
    const hits = best(...(await Promise.all(vectors.map(askVectorDb))));
    span.setAttribute("gen_ai.retrieval.documents", JSON.stringify(hits.map(({ id, score }) => ({ id, score }))));
    return hits;
  });
}

function failure(response, status, message) {
  const traceId = trace.getActiveSpan()?.spanContext().traceId;
  response.status(status).json({ error: message, trace_id: traceId });
}

const app = express();
app.use(express.json());
// Within the server span, before the handler.
app.use(async (request, response, next) => {
  const span = trace.getActiveSpan();
  const carried = propagation.getBaggage(context.active());
  for (const key of ["app.user.tier", "app.request.id"]) {
    const entry = carried?.getEntry(key);
    if (entry) span?.setAttribute(key, entry.value);
  }
  const fault = faults.acting(service, request.get("x-caller"));
  if (fault) {
    span?.setAttribute("demo.fault", fault.text);
    await sleep(fault.delayMs);
    if (fault.status) return failure(response, fault.status, `injected fault: status ${fault.status}`);
  }
  next();
});
app.get("/healthz", (_, response) => response.send("ok"));
app.post("/v1/search", async (request, response) => {
  const question = request.body?.question;
  if (typeof question !== "string") return failure(response, 400, 'expected JSON such as {"question": "What is a span?"}');
  try {
    const hits = await retrieve(question, await embedQuestion(question));
    const found = hits.filter(({ id }) => passages.has(id)).map(({ id, score }) => ({ ...passages.get(id), score }));
    response.json({ passages: found });
  } catch (error) {
    const late = error.code === grpc.status.DEADLINE_EXCEEDED;
    const name = grpc.status[error.code];
    failure(response, late ? 504 : 502, name ? `vector-db ${name}: ${error.details}` : error.message);
  }
});

// Puts all passages into the vector database, which may still be starting. That is set-up, not a request: no span.
async function fill() {
  const all = [...passages.values()];
  const embedded = await vectorsOf(all.map(({ title, text }) => `${title} ${text}`));
  const points = all.map(({ id }, at) => ({ id, vector: embedded[at] }));
  const { suppressTracing } = require("@opentelemetry/core");
  const deadline = Date.now() + 10_000;
  await context.with(suppressTracing(context.active()), () => {
    return new Promise((resolve, reject) => {
      const done = (error) => (error ? reject(error) : resolve());
      vectors.Upsert({ points }, new grpc.Metadata({ waitForReady: true }), { deadline }, done);
    });
  });
}

async function main() {
  await fill();
  const [host, port] = (process.env.LISTEN ?? "127.0.0.1:0").split(/:(?=\d+$)/);
  const server = app.listen(Number(port), host, () => {
    const { address, port } = server.address();
    process.stdout.write(`${JSON.stringify({ service, address: `${address}:${port}` })}\n`);
  });
  let stopping = false;
  const stop = () => {
    if (stopping) return;
    stopping = true;
    setTimeout(() => process.exit(1), STOP_MS).unref();
    server.close(() => provider.shutdown().finally(() => process.exit(0)));
    server.closeIdleConnections();
  };
  // The launcher holds our standard input: its end, however it came about, ends us.
  process.stdin.on("end", stop).on("error", stop).resume();
  for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, stop);
}

main().catch((error) => {
  process.stderr.write(`search cannot start: ${error.message}\n`);
  process.exit(1);
});
