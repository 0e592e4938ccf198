import type { FunctionName } from "../functions/contracts/environment.ts";

/** What a function gets: chosen, not defaulted. */
export interface Size {
  /** Processor time comes with it: 1,769 MB are one processor. Source: https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html */
  readonly memoryMegabytes: number;
  readonly timeoutSeconds: number;
  /**
   * How much of its queue it takes: messages in an invocation, and invocations at once (2 to 1,000).
   *
   * Missing where API Gateway calls: there the throttle of each route is the bound. Nothing is reserved: a new account has 10 invocations at once in all, and
   * Lambda refuses a reservation that leaves fewer to the others.
   */
  readonly queue?: { readonly batchSize: number; readonly maxConcurrency: number };
  /** The reason for each of these. */
  readonly because: string;
}

/** An API function may run as long as API Gateway waits for it. Source: HTTP API quotas, 30 s. */
const API_TIMEOUT_SECONDS = 29;

/** Somebody waits for the answer: a cold start is mostly processor time, which halves with twice the memory. */
const api = (because: string): Size => ({ memoryMegabytes: 512, timeoutSeconds: API_TIMEOUT_SECONDS, because });

/** One at a time would do, and two is the least that SQS allows. */
const ALONE = { batchSize: 1, maxConcurrency: 2 };

export const SIZES: Readonly<Record<FunctionName, Size>> = {
  rules: api("Asks the carrier for the line (8 s at most) between a few reads and writes."),
  esims: api("Asks the carrier for the lines of the caller and their balances, 8 s each at most."),
  family: api("Asks the carrier to bring a code to a line, 8 s at most."),
  recharges: api("Asks the carrier and Stripe (8 and 10 s at most) to show what a payer needs."),
  "payment-methods": api("Asks Stripe for a few things one after the other: tenths of a second each, 10 s at most."),
  me: api("The export reads everything that is held of a subscriber, page by page."),
  pay: api("Asks Stripe once (10 s at most) between a few reads."),
  "api-docs": { ...api("Serves a text that it carries; nobody waits for money here, so half the memory."), memoryMegabytes: 256 },
  "stripe-webhook": { ...api("Checks a signature and sends a message. Stripe waits, not a person, and comes again: half the memory."), memoryMegabytes: 256 },
  "plan-checks": {
    memoryMegabytes: 256,
    timeoutSeconds: 30,
    queue: ALONE,
    because: "A read, a write, and messages for the slots of at most 15 minutes. Two at once meet at the cursor's condition, and one of them leaves.",
  },
  "check-balances": {
    memoryMegabytes: 512,
    timeoutSeconds: 60,
    queue: { batchSize: 1, maxConcurrency: 5 },
    because: "Judges balances in bulk, and sends the rest of a slot on when its minute ends. The carrier's rate is the limit here, not ours: 5 at once.",
  },
  recharge: {
    memoryMegabytes: 512,
    timeoutSeconds: 60,
    queue: { batchSize: 1, maxConcurrency: 10 },
    because:
      "Two calls to Stripe (10 s each), two to the carrier (8 s each), and the writes between them. Stripe allows about 25 calls a second to an endpoint: 10 at once, each with one line after the other, stay far below.",
  },
  sweep: {
    memoryMegabytes: 256,
    timeoutSeconds: 30,
    queue: ALONE,
    because: "Queries the shards of lines that are due, and sends a message for each. Another minute follows: it need not finish all.",
  },
  notify: {
    memoryMegabytes: 256,
    timeoutSeconds: 30,
    queue: { batchSize: 10, maxConcurrency: 5 },
    because: "Ten notices, each some tenths of a second at SES. SES's first rate after the sandbox is 14 mails a second: 5 at once stay near it.",
  },
  remind: {
    memoryMegabytes: 256,
    timeoutSeconds: 60,
    queue: ALONE,
    because: "Walks through the subscribers and sends itself the next page: half an hour a day for a million, so that nothing is gained by more at once.",
  },
  reconcile: {
    memoryMegabytes: 256,
    timeoutSeconds: 60,
    queue: ALONE,
    because: "Walks through Stripe's and the carrier's lists and sends itself the next page: slowly, as recharges share Stripe's rate.",
  },
  erase: {
    memoryMegabytes: 512,
    timeoutSeconds: 60,
    queue: ALONE,
    because: "Scans two tables page by page and sends itself the next: a scan of pages of 1 MB is parsed faster with more processor, and is in no hurry.",
  },
};
