// What went wrong while asking for something.

import type { Problem } from "./types.ts";

/** An answer that was no success, or none at all (`status` 0). */
export class ApiError extends Error {
  override name = "ApiError";

  constructor(
    readonly status: number,
    readonly problem: Problem,
  ) {
    super(problem.error);
  }

  /** Whether asking again may help. */
  get isPassing(): boolean {
    return this.status === 0 || this.status === 429 || (this.status >= 500 && this.status !== 501);
  }

  /** Whether what was asked cannot be read, rather than not answered. */
  get isMistake(): boolean {
    return this.status === 400 || this.status === 422;
  }
}

/** Whatever was thrown, as an error. */
export function toError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown));
}
