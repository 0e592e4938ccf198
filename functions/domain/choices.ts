import { isTimeZone } from "./time.ts";

export const LANGUAGES = ["zh-CN", "en"] as const;
export type Language = (typeof LANGUAGES)[number];

export const CHANNELS = ["email", "sms"] as const;
export type Channel = (typeof CHANNELS)[number];

/** Which notices a subscriber wants, and how. Whatever is about money at risk comes in any case. */
export interface NoticeChoices {
  /** Never empty. */
  readonly channels: readonly Channel[];
  /** Of each recharge that was done. */
  readonly succeeded: boolean;
  readonly monthlySummary: boolean;
}

/** What a subscriber chose for their account; missing where they never did. */
export interface Choices {
  readonly language?: Language;
  /** Of the IANA database. */
  readonly timeZone?: string;
  readonly notices?: NoticeChoices;
}

const DEFAULTS: Required<Choices> = { language: "en", timeZone: "UTC", notices: { channels: ["email"], succeeded: true, monthlySummary: true } };

/** What holds for a subscriber. A time zone that this runtime does not know (any more) keeps nobody from being told: then it is UTC. */
export function choicesOf({ language, timeZone, notices }: Choices = {}): Required<Choices> {
  return {
    language: language ?? DEFAULTS.language,
    timeZone: timeZone !== undefined && isTimeZone(timeZone) ? timeZone : DEFAULTS.timeZone,
    notices: notices ?? DEFAULTS.notices,
  };
}
