// How services look, for pages whose answers only name them.

import { api } from "../api/client.ts";
import type { ServiceStyle } from "../api/types.ts";
import { useResource } from "./resource.ts";

const none: readonly ServiceStyle[] = [];

/** None until the server has told them. */
export function useServices(): readonly ServiceStyle[] {
  return useResource("services", api.services).data?.services ?? none;
}
