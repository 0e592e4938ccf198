/** DynamoDB's units and requests, calls to Stripe and the carrier, and events, of each. */
export interface Measured {
  readonly recharge: Readonly<Record<"writeUnits" | "historyWriteUnits" | "readUnits" | "databaseCalls" | "stripeCalls" | "carrierCalls" | "events", number>>;
  readonly check: Readonly<Record<"writeUnits" | "readUnits" | "lines" | "databaseCalls" | "carrierCalls", number>>;
  readonly notice: Readonly<Record<"writeUnits" | "readUnits" | "databaseCalls", number>>;
}

/** What `npm run bench` measures of the real steps, on Amazon's DynamoDB Local and the local Stripe and carrier: it fails when it finds something else. */
export const MEASURED: Measured = {
  /** From LowBalanceDetected until the line is free again. */
  recharge: { writeUnits: 16, historyWriteUnits: 4, readUnits: 7, databaseCalls: 20, stripeCalls: 2, carrierCalls: 2, events: 2 },
  /** Of a page of the slot wheel on which all lines are well. */
  check: { writeUnits: 0, readUnits: 2.5, lines: 100, databaseCalls: 1.5, carrierCalls: 1 },
  /** Telling a subscriber, by one channel. */
  notice: { writeUnits: 1, readUnits: 2, databaseCalls: 3 },
};

/** Upper bounds of what a process spends on them, warm, the models of Stripe and the carrier included; printed by `npm run bench`, and not compared: they differ from machine to machine. */
export const CPU_MILLISECONDS = { recharge: 44, check: 9, notice: 5 } as const;
