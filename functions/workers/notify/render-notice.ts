import type { NoticedEvent } from "../../contracts/events.ts";
import type { Language } from "../../domain/choices.ts";
import { lastFour } from "../../domain/iccid.ts";
import { chinese } from "./chinese.ts";
import { english } from "./english.ts";
import { formatsOf } from "./formats.ts";
import { type Letter, letterAsHtml, letterAsText } from "./letter.ts";
import type { Words } from "./told.ts";

/** A notice, ready to be sent: as an e-mail, and as a text message. */
export interface Notice {
  readonly subject: string;
  readonly text: string;
  readonly html: string;
  readonly sms: string;
}

/** For whom a notice is written. */
export interface Reader {
  readonly language: Language;
  readonly timeZone: string;
}

const WORDS: Readonly<Record<Language, Words>> = { "zh-CN": chinese, en: english };

/**
 * Tells an event: which line, how much, whether money was taken, and what to do.
 *
 * Names a line by its last four digits only, and never its balance: who pays for a line of somebody else must not see it.
 */
export function renderNotice(event: NoticedEvent, { language, timeZone }: Reader, link?: string): Notice {
  const words = WORDS[language];
  const { labels, colon } = words;
  const formats = formatsOf(language, timeZone);
  const told = words.tell(event, formats, link !== undefined);
  const digits = "iccid" in event ? lastFour(event.iccid) : undefined;
  const heading = words.sentence(told.subject);
  const subject = digits === undefined ? heading : `${words.lineName(digits)}${colon}${told.subject}`;
  const letter: Letter = {
    language,
    product: words.product,
    subject,
    heading,
    tone: told.tone,
    opening: told.happened,
    facts: [
      ...(digits === undefined ? [] : [{ label: labels.line, value: words.lineName(digits) }]),
      ...("lastFour" in event ? [{ label: labels.card, value: words.sentence(words.cardName(event.brand, event.lastFour)) }] : []),
      ...("amount" in event ? [{ label: labels.amount, value: formats.money(event.amount) }] : []),
      { label: labels.taken, value: told.taken },
      { label: labels.toDo, value: told.toDo },
      ...("rechargeId" in event ? [{ label: labels.recharge, value: event.rechargeId }] : []),
    ],
    ...(link !== undefined && told.action !== undefined && { action: { label: told.action, url: link } }),
    footer: words.footer,
    colon,
  };
  const shortSubject = digits === undefined ? heading : `${words.shortLineName(digits)}${colon}${told.subject}`;
  const sms = `${shortSubject}${language === "zh-CN" ? "。" : ". "}${told.short}${link === undefined ? "" : ` ${link}`}`;
  return { subject, text: letterAsText(letter), html: letterAsHtml(letter), sms };
}
