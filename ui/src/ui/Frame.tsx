// What stands in the top bar of the page and of a report alike.

import { nextThemeChoice, themeChoice } from "../state/preferences.ts";
import { useValue } from "../state/signals.ts";
import { Icon } from "./Icon.tsx";

export function Logo() {
  return (
    <svg viewBox="0 0 16 16" aria-hidden="true">
      <rect width="16" height="16" rx="3.5" fill="var(--accent)" />
      <path d="M3 4.5h10M5.5 8H11M7 11.5h5" stroke="var(--bg)" strokeWidth="2" strokeLinecap="round" fill="none" />
    </svg>
  );
}

export function ThemeSwitch() {
  const choice = useValue(themeChoice);
  const icon = ({ auto: "auto", light: "sun", dark: "moon" } as const)[choice];
  return <button type="button" className="button quiet icon" aria-label={`Theme: ${choice}`} title={`Theme: ${choice}`} onClick={nextThemeChoice}><Icon name={icon} /></button>;
}
