// What is wrong with the instrumentation: where the context is lost, whose spans are missing, which clocks are off.

import { api } from "../../api/client.ts";
import { ApiError } from "../../api/error.ts";
import type { Ailment, Diagnosis, ServiceHealth, ServiceStyle, Severity } from "../../api/types.ts";
import { formatAgo, formatCount, formatFullTime } from "../../engine/time.ts";
import { rangeCodec } from "../../state/codecs.ts";
import { useResource } from "../../state/resource.ts";
import { shortTraceId, traceLink } from "../../state/routes.ts";
import { readSelection } from "../../state/selection.ts";
import { useValue } from "../../state/signals.ts";
import { changeQuery, place } from "../../state/url.ts";
import { Icon, type IconName } from "../../ui/Icon.tsx";
import { Link } from "../../ui/Link.tsx";
import { lookOf, ServiceName } from "../../ui/Service.tsx";
import { ProgressLine, useProgress } from "../../ui/ProgressLine.tsx";
import { Banner, Empty, Loaded } from "../../ui/States.tsx";
import { useTitle } from "../../ui/title.ts";
import { LookedAtLine } from "../findings/LookedAtLine.tsx";
import { SelectionBar } from "../findings/SelectionBar.tsx";
import { problemsOf } from "../traces/FilterBar.tsx";

const EVIDENCE_SHOWN = 6;

export function DoctorPage() {
  useTitle("Doctor");
  const { query } = useValue(place);
  const text = query["q"] ?? "";
  const range = rangeCodec.read(query["t"]);
  const [progress, onProgress] = useProgress();
  const diagnosis = useResource(JSON.stringify([text, range]), (signal) => api.doctor(readSelection(text, range, new Date()), signal, onProgress), true);
  const isRefused = diagnosis.error instanceof ApiError && diagnosis.error.isMistake;
  return (
    <div className="page">
      <h1 className="vh">Doctor</h1>
      <SelectionBar
        text={text} range={range} loading={diagnosis.loading} problems={isRefused ? problemsOf((diagnosis.error as ApiError).problem) : []}
        onText={(next) => (next === text ? diagnosis.reload() : changeQuery({ q: next }, "push"))} onRange={(next) => changeQuery({ t: rangeCodec.write(next) }, "push")}
      />
      <ProgressLine loading={diagnosis.loading} progress={progress} />
      {isRefused ? <Empty title="The selection could not be read"><p>What is wrong with it stands above, under its place.</p></Empty> : <Loaded resource={diagnosis}>{(data) => <Body of={data} />}</Loaded>}
    </div>
  );
}

function Body({ of: { lookedAt, ailments, services, remarks, completeness } }: { of: Diagnosis }) {
  const looks = useResource("services", api.services).data?.services ?? [];
  return (
    // Scrolling by keys needs the focus.
    // oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex
    <div className="page-scroll" tabIndex={0} role="region" aria-label="Diagnosis">
      {!completeness.complete && <Banner kind="warn"><span>Not everything was looked at: {completeness.reasons.join("; ")}</span></Banner>}
      <div className="findings">
        <LookedAtLine of={lookedAt}>{ailments.length === 0 ? "Nothing is wrong" : `${formatCount(ailments.length)} ${ailments.length === 1 ? "thing is" : "things are"} wrong`}</LookedAtLine>
        {ailments.length === 0 && <Empty title={lookedAt.traceCount === 0 ? "No trace matches" : "Every trace is whole"}><p>{lookedAt.traceCount === 0 ? "There is nothing to look at in this selection and time range." : "Contexts arrive, parents are there, clocks agree."}</p></Empty>}
        {ailments.map((ailment) => <AilmentCard key={ailment.id} of={ailment} looks={looks} />)}
        {services.length > 0 && <Services of={services} looks={looks} />}
        {remarks.length > 0 && <section className="finding cannot-tell"><h2>What cannot be told</h2><ul className="finding-details">{remarks.map((remark) => <li key={remark}>{remark}</li>)}</ul></section>}
      </div>
    </div>
  );
}

const severities: Record<Severity, { icon: IconName; word: string; class: string }> = {
  broken: { icon: "error", word: "broken", class: "error-text" }, warning: { icon: "warn", word: "warning", class: "warn-text" }, note: { icon: "info", word: "note", class: "muted" },
};

function AilmentCard({ of: { kind, severity, service, caller, what, pattern, remedy, traceCount, traceTotal, evidence }, looks }: { of: Ailment; looks: readonly ServiceStyle[] }) {
  const { icon, word, class: look } = severities[severity];
  return (
    <article className="finding" aria-label={what}>
      <header><h2>{what}</h2><strong className={`nowrap ${look}`}><Icon name={icon} /> {word}</strong></header>
      <p className="finding-place">{caller && <><ServiceName look={lookOf(looks, caller)} /> <span aria-label="calls">→</span> </>}{service && <ServiceName look={lookOf(looks, service)} />}</p>
      {pattern && <p className="muted">{pattern}</p>}
      {remedy && <p className="finding-next"><Icon name="chevronRight" /><span className="long-text">{remedy}</span></p>}
      <footer>
        <span>in {formatCount(traceCount)} of {formatCount(traceTotal)} traces</span>
        <ul className="finding-evidence" aria-label="Evidence">
          {evidence.slice(0, EVIDENCE_SHOWN).map(({ traceId, spanId }, at) => <li key={`${traceId} ${spanId}`}><Link to={traceLink(traceId, spanId ?? undefined)} aria-label={`Evidence ${at + 1}: trace ${shortTraceId(traceId)}`}>{shortTraceId(traceId)}</Link></li>)}
        </ul>
        <span className="finding-tools muted">{kind}</span>
      </footer>
    </article>
  );
}

function Services({ of, looks }: { of: readonly ServiceHealth[]; looks: readonly ServiceStyle[] }) {
  const now = new Date();
  return (
    <section>
      <table className="grid-table">
        <caption>Services</caption>
        <thead><tr><th scope="col">Service</th><th scope="col" className="num">Spans</th><th scope="col" className="num">Traces</th><th scope="col">SDK</th><th scope="col" className="wide-only">Instrumentation</th><th scope="col">Last seen</th></tr></thead>
        <tbody>
          {of.map((service) => (
            <tr key={service.service}>
              <td>{service.service ? <ServiceName look={lookOf(looks, service.service)} /> : <span className="warn-text"><Icon name="warn" /> no service.name</span>}{service.silent && <span className="chip">known from its callers only</span>}</td>
              <td className="num">{formatCount(service.spanCount)}</td><td className="num">{formatCount(service.traceCount)}</td>
              <td>{[service.language, service.sdk].filter(Boolean).join(", ") || <span className="muted">not said</span>}</td>
              <td className="wide-only compare-path">{service.scopes.join(", ")}</td>
              <td title={formatFullTime(BigInt(service.lastSeen))}>{service.silent ? "–" : formatAgo(BigInt(service.lastSeen), now)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}
