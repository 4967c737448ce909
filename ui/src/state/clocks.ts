// Whether traces are shown as received, or without what their hosts' clocks are proven to be off: the address says it.

import { isEmbedded } from "../api/client.ts";
import { computed } from "./signals.ts";
import { place } from "./url.ts";

/** As received, unless the address asks otherwise; a report holds traces as received only. */
export const seenClocks = computed(() => (place.value.query["clocks"] === "adjusted" && !isEmbedded ? "adjusted" as const : undefined));
