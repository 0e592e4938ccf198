/**
 * What the service counts and measures of itself, by its name at CloudWatch; `infra/watching.ts` shows it and rings for it.
 *
 * Every metric also has the dimension `service`: the function that measured it.
 */
export const METRICS = {
  /** Recharges that came to an end, each once unless its worker died in that moment. */
  RechargesEnded: { unit: "Count", dimensions: ["end"] },
  /** In minor units. */
  MoneyCharged: { unit: "None", dimensions: ["currency"] },
  MoneyCredited: { unit: "None", dimensions: ["currency"] },
  /** From the reading that showed the line low until it was credited. */
  SecondsToCredit: { unit: "Seconds", dimensions: [] },
  LinesFoundLow: { unit: "Count", dimensions: [] },
  /** How long ago the last minute was whose checks were sent out; 60 when all is well. */
  CheckerLagSeconds: { unit: "Seconds", dimensions: [] },
  /** 1 while nothing may be charged, else 0. */
  KillSwitchOn: { unit: "Count", dimensions: [] },
  /** By how long the line that should have been looked at longest ago is overdue. */
  OldestDueSeconds: { unit: "Seconds", dimensions: [] },
  /** How long nobody could tell what became of a call that moves money. */
  OutcomeUnknownMinutes: { unit: "None", dimensions: [] },
  /** How long ago a recharge was paid that is not credited yet. */
  PaidNotCreditedSeconds: { unit: "Seconds", dimensions: [] },
  StripeMilliseconds: { unit: "Milliseconds", dimensions: [] },
  /** No answer, 429, 5xx. */
  StripeFaults: { unit: "Count", dimensions: [] },
  CarrierMilliseconds: { unit: "Milliseconds", dimensions: [] },
  CarrierFaults: { unit: "Count", dimensions: [] },
} as const satisfies Readonly<Record<string, { readonly unit: "Count" | "Seconds" | "Milliseconds" | "None"; readonly dimensions: readonly string[] }>>;

export type MetricName = keyof typeof METRICS;

export type DimensionsOf<Name extends MetricName> = { readonly [dimension in (typeof METRICS)[Name]["dimensions"][number]]: string };

/** What is put at once, one after the other. */
export function measurementsIn<Name extends MetricName>(values: Readonly<Record<Name, number>>): (readonly [Name, number])[] {
  return Object.entries(values) as [Name, number][]; // its type names every key
}

export interface Metrics {
  /**
   * Never throws, and waits for nothing. What has the same dimensions is put at once: each call is a line in the log, and is paid for by its length.
   *
   * Dimensions never name a person, a line or a recharge: each value is a metric of its own, and costs.
   */
  put<Name extends MetricName>(values: Readonly<Record<Name, number>>, dimensions: DimensionsOf<Name>): void;
}
