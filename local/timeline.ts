import { lastFour } from "../functions/domain/iccid.ts";
import { formatMoney, type Money } from "../functions/domain/money.ts";
import { instant } from "../functions/domain/time.ts";
import type { CarrierFact } from "./carrier/carrier-model.ts";
import type { AlarmChange } from "./cloud/alarms.ts";
import type { OutboxMail } from "./cloud/aws-endpoints.ts";
import type { EventEnvelope } from "./cloud/event-bus.ts";
import type { Records } from "./records.ts";
import type { StripeFact } from "./stripe/stored-payments.ts";

/** One thing that happened, for people to read and for tests to wait for. */
export interface TimelineEntry {
  readonly sequence: number;
  /** Local time, ISO 8601. */
  readonly at: string;
  /** Where it happened. */
  readonly source: "events" | "stripe" | "carrier" | "mail" | "alarm" | "function";
  /** What happened: an event's name, `charged`, `credited`, ... */
  readonly what: string;
  readonly iccid?: string;
  readonly rechargeId?: string;
  readonly amount?: Money;
  /** The rest, in words. */
  readonly note?: string;
}

const KIND = "timeline";

type Happening = Omit<TimelineEntry, "sequence" | "at">;

export interface Timeline {
  add(happening: Happening): void;
  /** Entries after a sequence number, oldest first. */
  list(after?: number): TimelineEntry[];
}

/** What happened since the state was fresh. `tell` hears of each entry as it is added. */
export function timeline(records: Records, tell: (entry: TimelineEntry) => void): Timeline {
  const entries = records.list<TimelineEntry>(KIND);
  return {
    add(happening) {
      const entry = { sequence: (entries.at(-1)?.sequence ?? 0) + 1, at: instant(Date.now()), ...happening };
      records.put(KIND, String(entry.sequence), entry);
      entries.push(entry);
      tell(entry);
    },
    list: (after = 0) => entries.filter((entry) => entry.sequence > after),
  };
}

function field<T>(detail: EventEnvelope["detail"], name: string, is: (value: unknown) => value is T): T | undefined {
  const value = detail[name];
  return is(value) ? value : undefined;
}

const isText = (value: unknown): value is string => typeof value === "string";
const isMoney = (value: unknown): value is Money => typeof value === "object" && value !== null && "amount" in value && "currency" in value;

/** An event on the bus. */
export function eventHappened({ "detail-type": what, detail }: EventEnvelope): Happening {
  const balance = field(detail, "balance", isMoney);
  const reason = field(detail, "reason", isText);
  const until = field(detail, "nextTryAt", isText) ?? field(detail, "until", isText);
  const notes = [balance && `balance ${formatMoney(balance)}`, reason, until && `until ${until}`].filter((note) => note !== undefined);
  return {
    source: "events",
    what,
    iccid: field(detail, "iccid", isText),
    rechargeId: field(detail, "rechargeId", isText),
    amount: field(detail, "amount", isMoney),
    ...(notes.length > 0 && { note: notes.join(", ") }),
  };
}

/** Something that happened to a payment. */
export function stripeHappened(fact: StripeFact): Happening {
  return {
    source: "stripe",
    what: fact.type,
    rechargeId: fact.metadata.rechargeId,
    amount: { amount: fact.amount, currency: fact.currency.toUpperCase() },
    ...("code" in fact && { note: String(fact.code) }),
  };
}

/** Something that happened at the carrier. */
export function carrierHappened(fact: CarrierFact): Happening {
  const common = { source: "carrier", what: fact.type, rechargeId: fact.reference } as const;
  switch (fact.type) {
    case "credited":
      return { ...common, iccid: fact.iccid, amount: fact.amount, note: `balance ${formatMoney(fact.available)}` };
    case "refused":
      return { ...common, iccid: fact.iccid, amount: fact.amount, note: fact.code };
    case "unanswered":
      return { ...common, note: fact.because };
    case "repeated":
    case "conflict":
      return common;
  }
}

/** A mail, or a text message. */
export function mailHappened({ channel, to, subject, text }: OutboxMail): Happening {
  const isMail = channel !== "sms";
  return { source: "mail", what: isMail ? "mail" : "text message", note: `to ${to.join(", ")}: ${isMail ? subject : text}` };
}

export function alarmHappened(change: AlarmChange): Happening {
  return { source: "alarm", what: change.state, note: `${change.name}: ${change.description}` };
}

/** One line for the terminal: local time, where, what, which line and recharge, how much. */
export function timelineLine(entry: TimelineEntry): string {
  const columns = [
    entry.at.slice(0, 19).replace("T", " "),
    entry.source.padEnd(8),
    entry.what.padEnd(20),
    (entry.iccid === undefined ? "" : `…${lastFour(entry.iccid)}`).padEnd(5),
    (entry.rechargeId?.slice(0, 8) ?? "").padEnd(8),
    (entry.amount === undefined ? "" : formatMoney(entry.amount)).padStart(11),
    entry.note ?? "",
  ];
  return columns.join("  ").trimEnd();
}
