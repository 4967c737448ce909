// What an answer says beside its findings.

export function Remarks({ title, of }: { title: string; of: readonly string[] }) {
  if (of.length === 0) return null;
  return <section className="finding cannot-tell"><h2>{title}</h2><ul className="finding-details">{of.map((remark) => <li key={remark}>{remark}</li>)}</ul></section>;
}
