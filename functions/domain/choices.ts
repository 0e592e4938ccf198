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

/** A choice that is not named stays; null takes it back. */
export type ChoiceChanges = { readonly [Name in keyof Choices]?: Choices[Name] | null };

/** What is known of a subscriber that stands in for choices. */
export interface Known {
  readonly email?: string;
  readonly phoneNumber?: string;
  /** Of the rule that they saved last. */
  readonly ruleTimeZone?: string;
}

/** What holds for a subscriber. Until they choose, they are told by e-mail if they have an address, else by text message; and in the time zone of their rule. */
export function choicesOf({ language, timeZone, notices, email, phoneNumber, ruleTimeZone }: Choices & Known = {}): Required<Choices> {
  const channel = email === undefined && phoneNumber !== undefined ? "sms" : "email";
  return {
    language: language ?? "en",
    // One that this runtime does not know (any more) keeps nobody from being told.
    timeZone: [timeZone, ruleTimeZone].find((zone) => zone !== undefined && isTimeZone(zone)) ?? "UTC",
    notices: notices ?? { channels: [channel], succeeded: true, monthlySummary: true },
  };
}
