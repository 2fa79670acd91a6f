import { useMemo } from "react";

import { useRead } from "./hooks";
import type { DayUse } from "./types";

const DAY_MS = 86_400_000;

/** The days up to today by UTC, oldest first, as the hub writes them. */
export function lastDays(count: number): string[] {
  const today = Date.now();
  return Array.from({ length: count }, (_, at) => new Date(today - (count - 1 - at) * DAY_MS).toISOString().slice(0, 10));
}

/** What all agents of the person have used in so many days, today among them. */
export function useUse(days: number) {
  return useRead("/v1/usage", { query: { days } });
}

/** The tokens of each day, oldest first, by agent; an agent that was not asked is not in it. */
export function useDailyTokens(days: number): ReadonlyMap<string, readonly number[]> {
  const { data } = useUse(days);
  return useMemo(() => {
    const names = lastDays(days);
    const found = new Map<string, number[]>();
    for (const one of data?.by_day ?? []) {
      const line = found.get(one.agent_id) ?? names.map(() => 0);
      const at = names.indexOf(one.day);
      if (at >= 0) line[at] = one.tokens_used;
      found.set(one.agent_id, line);
    }
    return found;
  }, [data, days]);
}

/** The sum of some rows; its cost is null when nobody knows any part of it. */
export function summed(rows: readonly Pick<DayUse, "turns" | "tokens_used" | "cost_nanousd">[]) {
  const known = rows.filter((one) => one.cost_nanousd !== null);
  return {
    turns: rows.reduce((sum, one) => sum + one.turns, 0),
    tokens: rows.reduce((sum, one) => sum + one.tokens_used, 0),
    cost: known.length === 0 ? null : known.reduce((sum, one) => sum + (one.cost_nanousd ?? 0), 0),
  };
}
