// What is wrong with the instrumentation: where the context is lost, whose spans are missing, which clocks are off.

import { api } from "../../api/client.ts";
import type { Ailment, Clocks, ClockVerdict, Diagnosis, ServiceHealth, ServiceStyle, Severity } from "../../api/types.ts";
import { formatAgo, formatCount, formatDuration, formatFullTime } from "../../engine/time.ts";
import { readSelection } from "../../state/selection.ts";
import { useServices } from "../../state/services.ts";
import { Icon, type IconName } from "../../ui/Icon.tsx";
import { useLongResource } from "../../ui/ProgressLine.tsx";
import { lookOf, ServiceName } from "../../ui/Service.tsx";
import { Empty } from "../../ui/States.tsx";
import { EvidenceLinks } from "../findings/EvidenceLinks.tsx";
import { LookedAtLine } from "../findings/LookedAtLine.tsx";
import { Remarks } from "../findings/Remarks.tsx";
import { SelectionPage, useAsked } from "../findings/SelectionPage.tsx";

export function DoctorPage() {
  const asked = useAsked();
  const diagnosis = useLongResource(JSON.stringify(asked), (signal, onProgress) => api.doctor(readSelection(asked.text, asked.range, new Date()), signal, onProgress));
  return <SelectionPage title="Doctor" asked={asked} answer={diagnosis} label="Diagnosis">{(data) => <Body of={data} />}</SelectionPage>;
}

function Body({ of: { lookedAt, ailments, services, clocks, remarks } }: { of: Diagnosis }) {
  const looks = useServices();
  return (
    <div className="findings">
      <LookedAtLine of={lookedAt}>{ailments.length === 0 ? "Nothing is wrong" : `${formatCount(ailments.length)} ${ailments.length === 1 ? "thing is" : "things are"} wrong`}</LookedAtLine>
      {ailments.length === 0 && <Empty title={lookedAt.traceCount === 0 ? "No trace matches" : "Every trace is whole"}><p>{lookedAt.traceCount === 0 ? "There is nothing to look at in this selection and time range." : "Contexts arrive, parents are there, clocks agree."}</p></Empty>}
      {ailments.map((ailment) => <AilmentCard key={ailment.id} of={ailment} looks={looks} />)}
      {services.length > 0 && <Services of={services} looks={looks} />}
      {clocks.hosts.length > 0 && <Hosts of={clocks} />}
      <Remarks title="What cannot be told" of={remarks} />
    </div>
  );
}

const clockVerdicts: Record<ClockVerdict, string> = { skewed: "proven to be off", "not-proven": "zero fits too", contradictory: "its calls contradict each other", "not-enough-calls": "too few calls" };

/** The clocks of hosts against one of them, with the bounds that the calls between them allow. */
function Hosts({ of: { at, hosts } }: { of: Clocks }) {
  return (
    <section>
      <table className="grid-table">
        <caption title={`Offsets at ${formatFullTime(BigInt(at))}`}>Clocks of hosts</caption>
        <thead><tr><th scope="col">Host</th><th scope="col" className="num">Ahead by</th><th scope="col" className="num">At least</th><th scope="col" className="num">At most</th><th scope="col" className="num">Gains a second</th><th scope="col" className="num">Calls</th><th scope="col">Against</th><th scope="col">Verdict</th></tr></thead>
        <tbody>
          {hosts.map(({ host, reference, offset, least, most, drift, calls, verdict }) => (
            <tr key={host}>
              <td>{host}</td>
              {host === reference ? <td className="muted" colSpan={4}>the others are compared with it</td> : <><td className="num">{formatDuration(offset)}</td><td className="num">{formatDuration(least)}</td><td className="num">{formatDuration(most)}</td><td className="num">{drift === null ? "–" : formatDuration(drift)}</td></>}
              <td className="num">{formatCount(calls)}</td>
              <td>{host === reference ? "–" : reference}</td>
              <td className={verdict === "skewed" ? "warn-text" : "muted"}>{host === reference ? "–" : clockVerdicts[verdict]}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
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
        <EvidenceLinks of={evidence} />
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
