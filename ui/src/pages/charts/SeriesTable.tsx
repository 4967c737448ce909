// The same series as a table: of each its newest, least and largest figure, and the spans it was made of.

import type { SeriesList } from "../../api/types.ts";
import { traceLink } from "../../state/routes.ts";
import { Link } from "../../ui/Link.tsx";
import { nameOfSeries, writerFor } from "./labels.ts";

const EXEMPLARS_SHOWN = 5;

export function SeriesTable({ list }: { list: SeriesList }) {
  const write = writerFor(list.query);
  return (
    <table className="grid-table">
      <caption className="vh">Series</caption>
      <thead><tr><th scope="col">Series</th><th scope="col" className="num">Newest</th><th scope="col" className="num">Mean</th><th scope="col" className="num">Least</th><th scope="col" className="num">Largest</th><th scope="col">Exemplars</th></tr></thead>
      <tbody>
        {list.series.map((series, at) => {
          const known = series.points.filter((point) => point !== null);
          const figures = known.length === 0 ? ["–", "–", "–", "–"] : [known.at(-1)!, known.reduce((sum, point) => sum + point, 0) / known.length, known.reduce((least, point) => Math.min(least, point)), known.reduce((most, point) => Math.max(most, point))].map(write);
          return (
            <tr key={at}>
              <th scope="row">{nameOfSeries(series)}</th>
              {figures.map((text, column) => <td key={column} className="num">{text}</td>)}
              <td>{series.exemplars.slice(0, EXEMPLARS_SHOWN).map(({ traceId, spanId, value }) => <span key={spanId}><Link to={traceLink(traceId, spanId)}>{write(value)}</Link> </span>)}</td>
            </tr>
          );
        })}
      </tbody>
    </table>
  );
}
