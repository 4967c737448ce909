// A verdict: glyph, word and colour together.

import type { Verdict } from "../api/types.ts";
import { Icon, type IconName } from "./Icon.tsx";

export const verdicts: Record<Verdict, { icon: IconName; word: string; meaning: string }> = {
  pass: { icon: "pass", word: "pass", meaning: "held" },
  fail: { icon: "fail", word: "fail", meaning: "did not hold" },
  "not-evaluable": { icon: "unknown", word: "not evaluable", meaning: "could not be judged on what was received" },
  error: { icon: "broken", word: "error", meaning: "could not be driven" },
  flaky: { icon: "flaky", word: "flaky", meaning: "held in some attempts only" },
  regressed: { icon: "down", word: "regressed", meaning: "worse than the baseline" },
  improved: { icon: "up", word: "improved", meaning: "better than the baseline" },
  insufficient: { icon: "few", word: "insufficient", meaning: "too few attempts to tell" },
};

export function VerdictMark({ verdict, word = true, count }: { verdict: Verdict; word?: boolean; count?: number }) {
  const { icon, word: text, meaning } = verdicts[verdict];
  return (
    <span className={`verdict v-${verdict}`} title={`${text}: ${meaning}`}>
      {word ? <><Icon name={icon} />{count === undefined ? "" : `${count} `}{text}</> : <Icon name={icon} label={text} />}
    </span>
  );
}
