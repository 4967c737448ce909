// Which service made it slower, or that it cannot be told.

import type { RootCauseAnswer, ServiceStyle } from "../../api/types.ts";
import { formatDuration } from "../../engine/time.ts";
import { Icon } from "../../ui/Icon.tsx";
import { lookOf, ServiceName } from "../../ui/Service.tsx";

const SUSPECTS_SHOWN = 8;

export function RootCause({ of: { answer, why, threshold, suspects }, services }: { of: RootCauseAnswer; services: readonly ServiceStyle[] }) {
  return (
    <section className="compare-part">
      <h2>Who made it slower?</h2>
      <p className={answer === null ? "" : "warn-text"}>{answer === null ? <><Icon name="unknown" /> <strong>Cannot tell.</strong></> : <strong><ServiceName look={lookOf(services, answer)} /></strong>} {why}</p>
      {suspects.length > 0 && (
        <table className="grid-table">
          <caption className="vh">Suspects</caption>
          <thead><tr><th scope="col">Service</th><th scope="col">Where</th><th scope="col" className="num" title="Rise in units of its normal variation">Score{threshold !== null && ` (more than ${threshold.toFixed(1)} counts)`}</th><th scope="col" className="num">p90 normal</th><th scope="col" className="num">p90 now</th></tr></thead>
          <tbody>
            {suspects.slice(0, SUSPECTS_SHOWN).map((suspect) => (
              <tr key={`${suspect.service} ${suspect.place}`}><td><ServiceName look={lookOf(services, suspect.service)} /></td><td>{suspect.place}</td><td className="num">{suspect.score.toFixed(1)}</td><td className="num">{formatDuration(suspect.p90Before)}</td><td className="num">{formatDuration(suspect.p90After)}</td></tr>
            ))}
          </tbody>
        </table>
      )}
    </section>
  );
}
