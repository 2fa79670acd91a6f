import { useTexts } from "./i18n";

/** Dates and figures as they are written in the language of the person. */
export function useFormat() {
  const { locale } = useTexts();
  const number = new Intl.NumberFormat(locale);
  const moment = new Intl.DateTimeFormat(locale, { dateStyle: "medium", timeStyle: "short" });
  const date = new Intl.DateTimeFormat(locale, { dateStyle: "medium", timeZone: "UTC" });
  const clock = new Intl.DateTimeFormat(locale, { timeStyle: "short" });
  const day = new Intl.DateTimeFormat(locale, { dateStyle: "full" });
  const money = new Intl.NumberFormat(locale, { style: "currency", currency: "USD", maximumFractionDigits: 4 });
  return {
    number: (value: number) => number.format(value),
    moment: (text: string) => moment.format(new Date(text)),
    /** A day as the hub writes it, 2026-01-31. */
    date: (day: string) => date.format(new Date(`${day}T00:00:00Z`)),
    clock: (at: number) => clock.format(at),
    day: (at: number) => day.format(at),
    /** Billionths of a US dollar. */
    money: (nano: number | null) => (nano === null ? "–" : money.format(nano / 1e9)),
    bytes: (value: number) =>
      value < 1024 ? `${value} B` : value < 1048576 ? `${number.format(Math.round(value / 1024))} KiB` : `${number.format(Math.round(value / 104857.6) / 10)} MiB`,
  };
}
