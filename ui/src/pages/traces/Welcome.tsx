// What a fresh installation shows: where to send traces, and what has been received so far.

import { api } from "../../api/client.ts";
import { formatCount } from "../../engine/time.ts";
import { refusedOf, status } from "../../state/live.ts";
import { useResource } from "../../state/resource.ts";
import { useValue } from "../../state/signals.ts";
import { useState } from "react";
import { Code } from "../../ui/Code.tsx";
import { Copy } from "../../ui/Copy.tsx";
import { Icon } from "../../ui/Icon.tsx";
import { Tabs } from "../../ui/Tabs.tsx";

type Language = "env" | "python" | "node" | "rust" | "java" | "go";

const languages: { id: Language; label: string }[] = [
  { id: "env", label: "Any SDK" }, { id: "python", label: "Python" }, { id: "node", label: "Node" }, { id: "java", label: "Java" }, { id: "go", label: "Go" }, { id: "rust", label: "Rust" },
];

function instructions(language: Language, http: string, grpc: string): string {
  const environment = `export OTEL_EXPORTER_OTLP_ENDPOINT=http://${http}\nexport OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf\nexport OTEL_SERVICE_NAME=my-service`;
  switch (language) {
    case "env": return environment;
    case "python": return `${environment}\npip install opentelemetry-distro opentelemetry-exporter-otlp\nopentelemetry-bootstrap -a install\nopentelemetry-instrument python app.py`;
    case "node": return `${environment}\nnpm install @opentelemetry/auto-instrumentations-node\nnode --require @opentelemetry/auto-instrumentations-node/register app.js`;
    case "java": return `${environment}\njava -javaagent:opentelemetry-javaagent.jar -jar app.jar`;
    case "go": return `${environment}\n# in the program: otlptracehttp.New(ctx) reads these variables`;
    case "rust": return `${environment}\n# or by gRPC: opentelemetry_otlp::SpanExporter::builder().with_tonic().with_endpoint("http://${grpc}")`;
  }
}

export function Welcome() {
  const info = useResource("info", api.info).data;
  const now = useValue(status);
  const [language, setLanguage] = useState<Language>("env");
  const http = info?.otlpHttp ?? "127.0.0.1:4318";
  const grpc = info?.otlpGrpc ?? "127.0.0.1:4317";
  const text = instructions(language, http, grpc);
  const receiving = now?.receiving;
  return (
    <div className="page-scroll">
      <div className="welcome">
        <h1>No traces yet</h1>
        <p className="muted">Send OpenTelemetry traces here; the first appears on this page by itself.</p>
        <section aria-labelledby="welcome-send">
          <h2 id="welcome-send">Send traces and logs</h2>
          <dl className="endpoints">
            <Endpoint label="OTLP over HTTP" value={info && !info.otlpHttp ? undefined : `http://${http}`} />
            <Endpoint label="OTLP over gRPC" value={info && !info.otlpGrpc ? undefined : `http://${grpc}`} />
          </dl>
          <div className="card">
            <Tabs tabs={languages} selected={language} onSelect={setLanguage} label="Language">
              <Code text={text} label="Copy these lines" />
            </Tabs>
          </div>
        </section>
        <section aria-labelledby="welcome-heard">
          <h2 id="welcome-heard">What was heard</h2>
          <div className="card listening" aria-live="polite">
            <p>{receiving && receiving.requests > 0 ? <><Icon name="info" /> {formatCount(receiving.requests)} requests, {formatCount(receiving.spans)} spans accepted, {formatCount(refusedOf(receiving))} refused</> : <><span className="status-dot" />Listening. Nothing received so far.</>}</p>
            {receiving?.lastRejection
              ? <p className="error-text"><Icon name="error" /> Last refused{receiving.lastRejection.peer && ` from ${receiving.lastRejection.peer}`}: {receiving.lastRejection.error}{receiving.lastRejection.hint && <span className="muted"> · {receiving.lastRejection.hint}</span>}</p>
              : <p className="muted">Last refused: none</p>}
          </div>
        </section>
        <section aria-labelledby="welcome-demo">
          <h2 id="welcome-demo">Or see it with data</h2>
          <p className="muted">Eight services that answer questions, traced, with four evaluated scenarios:</p>
          <Code card text="headwater demo" label="Copy the command" />
          <p className="muted">A file of traces (OTLP JSON, Jaeger, Zipkin) is read by:</p>
          <Code card text="headwater import FILE" label="Copy the command" />
        </section>
      </div>
    </div>
  );
}

function Endpoint({ label, value }: { label: string; value: string | undefined }) {
  return <div><dt>{label}</dt><dd>{value ? <><code>{value}</code><Copy text={value} label={`Copy the address of ${label}`} /></> : <span className="muted">not listening</span>}</dd></div>;
}
