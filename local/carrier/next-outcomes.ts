/** How the answer to an order can go wrong. What most of these mean to us stands in docs/carrier-api.yaml. */
export const FAULTS = [
  "lose-reply",
  "slow",
  "garbled",
  "html",
  // A gateway's page with that status.
  "error-401",
  "error-403",
  "error-404",
  "error-409",
  "error-422",
  "error-429",
  "error-500",
  "error-503",
  // Well formed, and about another top-up.
  "other-reference",
] as const;

/** The same for a question. The last two are well formed, and wrong about lines. */
export const QUESTION_FAULTS = [...FAULTS, "other-currency", "missing-lines"] as const;
export type Fault = (typeof QUESTION_FAULTS)[number];
type OrderFault = (typeof FAULTS)[number];

/** What becomes of an order. A fault alone, and `lose-request`, leave no trace of it at the carrier. */
export type NextOutcome = "credit" | "refuse" | "lose-request" | OrderFault | `credit-but-${OrderFault}` | `credit-later-but-${OrderFault}`;

/** What is done about an order, and how its answer goes wrong. */
export interface Fate {
  readonly does: "credit" | "credit-later" | "refuse" | "nothing";
  readonly fault?: OrderFault;
}

export const FATES: ReadonlyMap<NextOutcome, Fate> = new Map<NextOutcome, Fate>([
  ["credit", { does: "credit" }],
  ["refuse", { does: "refuse" }],
  ["lose-request", { does: "nothing", fault: "lose-reply" }],
  ...FAULTS.map((fault) => [fault, { does: "nothing", fault }] as const),
  ...FAULTS.map((fault) => [`credit-but-${fault}`, { does: "credit", fault }] as const),
  ...FAULTS.map((fault) => [`credit-later-but-${fault}`, { does: "credit-later", fault }] as const),
]);
