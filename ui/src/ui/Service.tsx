// How a service is shown: its monogram on its colour, then its name.

import { serviceTexture } from "../engine/service.ts";
import type { ServiceStyle } from "../api/types.ts";

export function slotClass(slot: number): string {
  const texture = serviceTexture(slot);
  return `s${slot % 8}${texture === "plain" ? "" : ` ${texture}`}`;
}

export function Monogram({ look }: { look: ServiceStyle }) {
  return <span className={`mono ${slotClass(look.slot)}`} aria-hidden="true">{look.monogram}</span>;
}

export function ServiceName({ look }: { look: ServiceStyle }) {
  return <span className="copyable"><Monogram look={look} /> <span className="clip">{look.name}</span></span>;
}

/** The look of a service, also of one the server did not tell of. */
export function lookOf(services: readonly ServiceStyle[], name: string): ServiceStyle {
  return services.find((service) => service.name === name) ?? { name, slot: 0, monogram: name.slice(0, 2).toUpperCase() };
}
