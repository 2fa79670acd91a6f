import { createContext, useContext } from "react";
import { useMutation, useQuery, useQueryClient, type UseMutationResult, type UseQueryResult } from "@tanstack/react-query";

import type { Answer, Api, Given, PathOf } from "./api";
import type { Session } from "./types";

/** Who is signed in, and the API in their name. */
export interface Signed {
  api: Api;
  session: Session;
  leave: () => void;
}

const Context = createContext<Signed | null>(null);

export const SignedProvider = Context.Provider;

/** Who is signed in. Only below SignedProvider. */
export function useSigned(): Signed {
  const signed = useContext(Context);
  if (signed === null) throw new Error("nobody is signed in here");
  return signed;
}

export function useApi(): Api {
  return useSigned().api;
}

/** Reads a path and keeps the answer; `everyMs` reads it again and again while the page is seen. */
export function useRead<P extends PathOf<"get">>(
  path: P,
  given: Omit<Given<P, "get">, "signal"> = {},
  options: { everyMs?: number; enabled?: boolean } = {},
): UseQueryResult<Answer<P, "get">> {
  const api = useApi();
  return useQuery({
    queryKey: [path, given],
    queryFn: ({ signal }) => api.get(path, { ...given, signal } as Given<P, "get">),
    refetchInterval: options.everyMs ?? false,
    enabled: options.enabled ?? true,
  });
}

/** A change. When it is done, everything read from `stale` paths is read anew. */
export function useChange<Asked, Done>(
  work: (api: Api, asked: Asked) => Promise<Done>,
  stale: readonly PathOf<"get">[],
  onDone?: (done: Done, asked: Asked) => void,
): UseMutationResult<Done, Error, Asked> {
  const api = useApi();
  const kept = useQueryClient();
  return useMutation({
    mutationFn: (asked: Asked) => work(api, asked),
    onSuccess: async (done, asked) => {
      await Promise.all(stale.map((path) => kept.invalidateQueries({ queryKey: [path] })));
      onDone?.(done, asked);
    },
  });
}
