import { randomUUID } from "node:crypto";
import * as z from "zod/mini";
import { type DeliveryTarget, deliver, type SendMessage } from "./delivery.ts";
import { readEventPattern } from "./event-pattern.ts";
import { LOCAL_ACCOUNT } from "./supported-resources.ts";
import { UnsupportedTemplate } from "./unsupported-template.ts";

/** What EventBridge sends to the targets of a rule. */
export interface EventEnvelope {
  readonly version: "0";
  readonly id: string;
  readonly "detail-type": string;
  readonly source: string;
  readonly account: string;
  /** UTC, without milliseconds. */
  readonly time: string;
  readonly region: string;
  readonly resources: readonly string[];
  readonly detail: Readonly<Record<string, unknown>>;
}

/** A rule as `StackGraph.list("AWS::Events::Rule")` gives it. */
export interface BusRule {
  readonly logicalId: string;
  readonly properties: {
    readonly EventBusName: string;
    readonly EventPattern: Readonly<Record<string, unknown>>;
    readonly State?: "ENABLED" | "DISABLED" | undefined;
    readonly Targets: readonly DeliveryTarget[];
  };
}

export interface EventBusOptions {
  readonly region: string;
  /** As `StackGraph.list("AWS::Events::EventBus")` gives them. */
  readonly buses: readonly { readonly name: string; readonly arn: string }[];
  readonly rules: readonly BusRule[];
  readonly send: SendMessage;
  /** Sees every event that was accepted, after the targets have it. */
  readonly observe?: (envelope: EventEnvelope) => void;
  /** Hears of targets that could not be reached. */
  readonly onError?: (error: unknown) => void;
}

export interface PutEventsAnswer {
  readonly FailedEntryCount: number;
  readonly Entries: readonly ({ readonly EventId: string } | { readonly ErrorCode: string; readonly ErrorMessage: string })[];
}

/** The request itself is refused, as with AWS's ValidationException: no entry was looked at. */
export class InvalidPutEvents extends Error {
  override name = "InvalidPutEvents";
}

export interface EventBus {
  /**
   * Answers a PutEvents request (the JSON of the wire) entry by entry, after every matching target's queue has the event.
   *
   * Throws InvalidPutEvents for a request that AWS refuses as a whole.
   */
  putEvents(request: unknown): Promise<PutEventsAnswer>;
}

/** Ten entries a request, and 1 MB an entry: docs.aws.amazon.com/eventbridge/latest/userguide/eb-putevents.html */
const MOST_ENTRIES = 10;
const MOST_BYTES = 1024 * 1024;

const requestSchema = z.object({
  Entries: z
    .array(
      z.strictObject({
        Source: z.optional(z.string()),
        DetailType: z.optional(z.string()),
        Detail: z.optional(z.string()),
        EventBusName: z.optional(z.string()),
        Resources: z.optional(z.array(z.string())),
        /** Seconds since 1970. */
        Time: z.optional(z.number()),
        TraceHeader: z.optional(z.string()),
      }),
    )
    .check(z.minLength(1), z.maxLength(MOST_ENTRIES)),
});
type Entry = z.infer<typeof requestSchema>["Entries"][number];

/** Runs the event buses and their rules. Throws UnsupportedTemplate at once when a pattern cannot be read. */
export function eventBus({ region, buses, rules, send, observe, onError }: EventBusOptions): EventBus {
  const readRules = rules.map((rule) => ({ ...rule.properties, matches: readPattern(rule) }));

  async function putEntry(entry: Entry) {
    const bus = buses.find(({ name, arn }) => entry.EventBusName === name || entry.EventBusName === arn);
    if (bus === undefined) return fault("InvalidArgument", `There is no event bus ${entry.EventBusName ?? "default"}`);
    const envelope = wrap(entry, region);
    if ("ErrorCode" in envelope) return envelope;
    const targets = readRules
      .filter((rule) => rule.EventBusName === bus.name && rule.State !== "DISABLED" && rule.matches(envelope))
      .flatMap((rule) => rule.Targets);
    const body = JSON.stringify(envelope);
    const deliveries = await Promise.allSettled(targets.map((target) => deliver(target, body, send)));
    const failed = deliveries.filter((delivery) => delivery.status === "rejected");
    for (const { reason } of failed) onError?.(reason);
    // Whoever published it tries again: some targets may get it twice, but none will miss it.
    if (failed.length > 0) return fault("InternalFailure", "A target's queue could not be reached");
    observe?.(envelope);
    return { EventId: envelope.id };
  }

  return {
    async putEvents(request) {
      const parsed = z.safeParse(requestSchema, request);
      if (!parsed.success) throw new InvalidPutEvents(z.prettifyError(parsed.error));
      const entries = await Promise.all(parsed.data.Entries.map(putEntry));
      return { FailedEntryCount: entries.filter((entry) => "ErrorCode" in entry).length, Entries: entries };
    },
  };
}

function readPattern({ logicalId, properties }: BusRule) {
  try {
    return readEventPattern(properties.EventPattern);
  } catch (error) {
    throw error instanceof UnsupportedTemplate ? new UnsupportedTemplate(`Rule ${logicalId}: ${error.message}`) : error;
  }
}

function wrap(entry: Entry, region: string): EventEnvelope | ReturnType<typeof fault> {
  const { Source: source = "", DetailType: detailType = "", Detail = "", Resources: resources = [], Time } = entry;
  if (source === "") return fault("InvalidArgument", "Parameter Source is not valid. Reason: Source is a required argument.");
  if (detailType === "") return fault("InvalidArgument", "Parameter DetailType is not valid. Reason: DetailType is a required argument.");
  if (Detail === "") return fault("InvalidArgument", "Parameter Detail is not valid. Reason: Detail is a required argument.");
  if (source.startsWith("aws.")) return fault("NotAuthorizedForSourceException", "Not authorized for the source.");
  const bytes = [source, detailType, Detail, ...resources].reduce((sum, part) => sum + Buffer.byteLength(part), Time === undefined ? 0 : 14); // a time counts 14
  if (bytes > MOST_BYTES) return fault("InvalidArgument", `The entry has ${bytes} bytes, and ${MOST_BYTES} are allowed`);
  const detail = readDetail(Detail);
  if (detail === undefined) return fault("MalformedDetail", "Detail is malformed.");
  return {
    version: "0",
    id: randomUUID(),
    "detail-type": detailType,
    source,
    account: LOCAL_ACCOUNT,
    time: new Date(Time === undefined ? Date.now() : Time * 1000).toISOString().replace(/\.\d+Z$/, "Z"),
    region,
    resources,
    detail,
  };
}

/** A detail has to be a JSON object. */
function readDetail(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    return z.safeParse(z.record(z.string(), z.unknown()), JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}

function fault(ErrorCode: string, ErrorMessage: string) {
  return { ErrorCode, ErrorMessage } as const;
}
