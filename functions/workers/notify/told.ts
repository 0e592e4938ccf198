import type { NoticedEvent } from "../../contracts/events.ts";
import type { Formats } from "./formats.ts";

/** What a notice says of an event, in one language. Whole sentences, but for the subject. */
export interface Told {
  /** What happened, in some words that go on from the name of the line. */
  readonly subject: string;
  readonly happened: string;
  /** Whether money was taken. */
  readonly taken: string;
  readonly toDo: string;
  /** What the link does. */
  readonly action?: string;
  /** What a text message says after the subject. */
  readonly short: string;
  readonly tone: "good" | "neutral" | "attention";
}

/** A language of the notices. */
export interface Words {
  readonly product: string;
  /** Names of the parts of a notice. */
  readonly labels: {
    readonly line: string;
    readonly amount: string;
    readonly card: string;
    readonly taken: string;
    readonly toDo: string;
    readonly recharge: string;
  };
  /** Why somebody gets this. */
  readonly footer: string;
  readonly colon: string;
  /** A line, or a card, by its last four digits. */
  readonly lineName: (lastFour: string) => string;
  /** The same in a text message, where some characters cost more. */
  readonly shortLineName: (lastFour: string) => string;
  readonly cardName: (brand: string, lastFour: string) => string;
  readonly sentence: (subject: string) => string;
  /** `hasLink`: there is a link by which the reader can act. */
  tell(event: NoticedEvent, formats: Formats, hasLink: boolean): Told;
}
