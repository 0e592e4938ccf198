import { Logger } from "@aws-lambda-powertools/logger";
import type { Log } from "../domain/ports.ts";

/** The one logger: JSON lines with a stable `code` for searching. Nobody logs personal data; should somebody, or a library's error, it is masked. */
export function powertoolsLog(service: string): Log {
  const logger = new Logger({ serviceName: service, jsonReplacerFn: (_key, value: unknown) => (typeof value === "string" ? masked(value) : value) });
  return {
    info: (code, fields = {}) => logger.info(code, { ...fields, code }),
    warn: (code, fields = {}) => logger.warn(code, { ...fields, code }),
    error: (code, fields = {}) => logger.error(code, { ...fields, code }),
  };
}

/**
 * What looks like an e-mail address, a telephone number (E.164), an ICCID or a card's number (13 digits or more that stand alone).
 *
 * Digits within our ids and Stripe's stand beside letters, hyphens or underscores, and stay: an operator searches by them.
 */
const PERSONAL = [
  [/[^\s@<>"'(),:;=[\]]{1,64}@[^\s@<>"'(),:;=[\]]{1,255}/g, "[e-mail]"],
  [/(?<![\w-])\+[1-9]\d{6,14}(?![\w-])/g, "[phone]"],
  [/(?<![\w-])\d(?: ?\d){12,21}(?![\w-])/g, "[number]"],
] as const;

/** The text without what may name a person. */
export function masked(text: string): string {
  return PERSONAL.reduce((left, [pattern, word]) => left.replace(pattern, word), text);
}
