import * as z from "zod/mini";
import {
  esimList,
  LINES_PER_QUERY,
  lineBalance,
  SIGNATURE_HEADER,
  signCarrierRequest,
  TIMESTAMP_HEADER,
  type TopUpReply,
  topUpReply,
  unknownReference,
} from "../contracts/carrier.ts";
import type { Reading } from "../domain/esim.ts";
import type { Iccid } from "../domain/iccid.ts";
import { type Carrier, type Clock, OutcomeUnknown, type TopUpAnswer } from "../domain/ports.ts";
import { epochMilliseconds } from "../domain/time.ts";

export interface HttpCarrierOptions {
  /** Where the operator serves docs/carrier-api.yaml; may have a path of its own. */
  readonly baseUrl: string;
  readonly secret: string;
  readonly answersAreFinal: boolean;
  readonly clock: Clock;
  /** For one call, its body included. */
  readonly timeoutMilliseconds?: number;
}

/** Two calls in a row fit into the 29 s of an API function, and into the 60 s of the recharge worker with the time to write down what it heard. */
const TIMEOUT_MILLISECONDS = 8_000;

interface Reply {
  readonly status: number;
  readonly text: string;
}

const entries = z.object({ balances: z.array(z.unknown()) });

/**
 * A carrier that implements docs/carrier-api.yaml.
 *
 * Whatever is not one of the answers of that document, to the letter, is OutcomeUnknown: only the carrier's own word
 * moves a recharge. An odd entry among balances counts as missing. The reasons hold no ICCID, e-mail address or phone number, so they may be logged.
 */
export function httpCarrier({ baseUrl, secret, answersAreFinal, clock, timeoutMilliseconds = TIMEOUT_MILLISECONDS }: HttpCarrierOptions): Carrier {
  const base = new URL(baseUrl).href.replace(/\/$/, "");

  async function send(method: "GET" | "POST", url: URL, body: string | undefined): Promise<Reply> {
    const timestamp = String(Math.floor(epochMilliseconds(clock.now()) / 1000));
    const signature = signCarrierRequest(secret, { timestamp, method, path: `${url.pathname}${url.search}`, body: body ?? "" });
    try {
      const response = await fetch(url, {
        method,
        body,
        headers: {
          accept: "application/json, application/problem+json",
          ...(body !== undefined && { "content-type": "application/json" }),
          [TIMESTAMP_HEADER]: timestamp,
          [SIGNATURE_HEADER]: signature,
        },
        redirect: "manual", // a signed request goes nowhere else
        signal: AbortSignal.timeout(timeoutMilliseconds),
      });
      return { status: response.status, text: await response.text() };
    } catch (error) {
      throw new OutcomeUnknown(`The carrier gave no answer: ${faultOf(error)}`);
    }
  }

  function post(path: string, document: object): Promise<Reply> {
    return send("POST", new URL(`${base}${path}`), JSON.stringify(document));
  }

  return {
    answersAreFinal,

    async listEsims({ subscriberId, email, phoneNumber }) {
      const { esims } = parse(esimList, await post("/v1/esims/query", { subscriberId, email, phoneNumber }));
      return esims;
    },

    async getBalances(iccids) {
      const asked = new Set(iccids);
      const readings = new Map<Iccid, Reading>();
      for (const chunk of chunksOf([...asked], LINES_PER_QUERY)) {
        const { balances } = parse(entries, await post("/v1/balances/query", { iccids: chunk }));
        for (const entry of balances) {
          // Line by line: an odd one counts as missing, and does not hide the others.
          const { success, data } = lineBalance.safeParse(entry);
          if (success && asked.has(data.iccid)) readings.set(data.iccid, { balance: data.available, readAt: data.readAt });
        }
      }
      return readings;
    },

    async topUp({ iccid, amount, reference }) {
      return answerFor(reference, parse(topUpReply, await post("/v1/top-ups", { iccid, amount, reference })));
    },

    async findTopUp(reference) {
      const reply = await send("GET", new URL(`${base}/v1/top-ups/${encodeURIComponent(reference)}`), undefined);
      // A proxy or a wrong base URL answers 404 too; taken at its word, it would have a line credited twice.
      if (reply.status === 404 && unknownReference.safeParse(jsonIn(reply.text)).success) return undefined;
      return answerFor(reference, parse(topUpReply, reply));
    },
  };
}

function answerFor(reference: string, reply: TopUpReply): TopUpAnswer {
  if (reply.reference !== reference) throw new OutcomeUnknown("The carrier answered for another reference");
  return reply.status === "credited" ? { kind: "credited", at: reply.at } : { kind: "refused", code: reply.code };
}

function parse<Schema extends z.ZodMiniType>(schema: Schema, { status, text }: Reply): z.infer<Schema> {
  if (status !== 200) throw new OutcomeUnknown(`The carrier answered ${status}`);
  const result = z.safeParse(schema, jsonIn(text));
  if (result.success) return result.data;
  const places = result.error.issues.map((issue) => `/${issue.path.join("/")}`); // names of fields only: the values are not ours to log
  throw new OutcomeUnknown(`The carrier answered 200 with something that its contract does not allow, at ${places.slice(0, 3).join(", ")}`);
}

function jsonIn(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Node names a broken connection in `cause.code` (`ECONNREFUSED`), and a timeout in `name`. */
const connectionFault = z.object({ cause: z.object({ code: z.string() }) });
const namedFault = z.object({ name: z.string() });

function faultOf(error: unknown): string {
  const connection = connectionFault.safeParse(error);
  if (connection.success) return connection.data.cause.code;
  const named = namedFault.safeParse(error);
  return named.success ? named.data.name : "unknown fault";
}

function chunksOf<T>(all: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(all.length / size) }, (_, i) => all.slice(i * size, (i + 1) * size));
}
