import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import type { OpenApiOperation, OpenApiParameter } from "../../functions/contracts/openapi.ts";
import { type ApiCall, isObject, problemIn, withField } from "./api-world.ts";
import { document, schemaFaults } from "./documented.ts";
import { GOOD, GOOD_PUBLIC, GOOD_WEBHOOKS, worldFor } from "./good-calls.ts";

/**
 * 10,000 requests that the OpenAPI document says are wrong, made of it: each is refused with problem+json (or, on a page, in words) as documented (`send` holds every answer to the
 * document), none is a fault of ours, and nothing is written, sent or moved by any.
 */

const REQUESTS = 10_000;
const SEED = 20_261_128;

const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => ({ name: `${method.toUpperCase()} ${path}`, method, path, operation })),
);

/** A good call, of which the wrong ones are made. */
function goodCall(name: string): ApiCall {
  const [method = ""] = name.split(" ");
  const good: Partial<ApiCall> | undefined = Object.entries({ ...GOOD, ...GOOD_PUBLIC, ...GOOD_WEBHOOKS }).find(([each]) => each === name)?.[1];
  if (good?.path === undefined) throw new Error(`${name} has no good call`);
  return { method, path: good.path, body: good.body, headers: good.headers ?? {} };
}

const anyText = fc.string({ unit: "binary", maxLength: 60 });
/** What a header can carry. */
const headerText = fc.string({ unit: fc.integer({ min: 32, max: 126 }).map((code) => String.fromCharCode(code)), maxLength: 60 });
const anyJson = fc.oneof(fc.jsonValue(), fc.constantFrom(null, true, -1, 0, 0.5, 1e21, 2 ** 53, "", "CNY", [], {}, [{}]));

type Path = readonly string[];
const pathsIn = (body: object, at: Path = []): Path[] =>
  Object.entries(body).flatMap(([name, value]) => [[...at, name], ...(isObject(value) ? pathsIn(value, [...at, name]) : [])]);

/** A body of a good call with something in it that is not right, or any JSON; always what the document's schema refuses. */
function wrongBodies(pointer: Path, body: object): fc.Arbitrary<unknown> {
  const somewhere = fc.constantFrom(...pathsIn(body));
  const objects = fc.constantFrom<Path>(
    [],
    ...pathsIn(body).filter((path) => isObject(path.reduce<unknown>((value, name) => (isObject(value) ? value[name] : undefined), body))),
  );
  return fc
    .oneof(
      { weight: 4, arbitrary: fc.tuple(somewhere, anyJson).map(([path, value]) => withField(body, path, value)) },
      { weight: 1, arbitrary: somewhere.map((path) => withField(body, path)) },
      { weight: 2, arbitrary: fc.tuple(objects, anyText, anyJson).map(([path, name, value]) => withField(body, [...path, name], value)) },
      { weight: 1, arbitrary: fc.tuple(somewhere, anyJson, somewhere, anyJson).map(([a, one, b, other]) => withField(withField(body, a, one), b, other)) },
      { weight: 2, arbitrary: anyJson },
    )
    .map((value): unknown => (value === undefined ? null : JSON.parse(JSON.stringify(value))))
    .filter((value) => schemaFaults([...pointer, "requestBody", "content", "application/json", "schema"], value) !== undefined);
}

function wrongParameter(call: ApiCall, path: string, { name, in: place, required, schema }: OpenApiParameter, pointer: Path): fc.Arbitrary<ApiCall> {
  const isWrong = (value: string) => schemaFaults([...pointer, "schema"], value) !== undefined;
  if (place === "path") {
    const segment = path.split("/").indexOf(`{${name}}`);
    const odd = fc.oneof(anyText, fc.stringMatching(/^(pm_|re_|89)?\d{0,25}$/)).map((text) => text.replaceAll("/", "-"));
    return odd.filter((text) => text !== "" && isWrong(text)).map((text) => ({ ...call, path: call.path.split("/").toSpliced(segment, 1, text).join("/") }));
  }
  // No text that is made up is the mark of a page.
  if (place === "query") return anyText.map((text) => ({ ...call, query: { [name]: text } }));
  const { [name.toLowerCase()]: _good, ...others } = { ...call.headers };
  const wrong = headerText
    .filter((text) => schema.pattern === undefined || isWrong(text))
    .map((text) => ({ ...call, headers: { ...others, [name.toLowerCase()]: text } }));
  return required ? fc.oneof({ weight: 5, arbitrary: wrong }, { weight: 1, arbitrary: fc.constant({ ...call, headers: others }) }) : wrong;
}

/** Everything that the document lets go wrong in a request of one operation. */
function wrongRequests(path: string, method: string, call: ApiCall, operation: OpenApiOperation): fc.Arbitrary<ApiCall> {
  const pointer = ["paths", path, method];
  const kinds: { readonly weight: number; readonly arbitrary: fc.Arbitrary<ApiCall> }[] = [
    // A place where there is nothing.
    { weight: 1, arbitrary: anyText.map((text) => ({ ...call, path: `${call.path}/${text}x` })) },
    ...operation.parameters.map((parameter, i) => ({ weight: 4, arbitrary: wrongParameter(call, path, parameter, [...pointer, "parameters", String(i)]) })),
  ];
  if (isObject(call.body) && !path.startsWith("/webhooks/")) {
    const bodies = wrongBodies(pointer, call.body);
    kinds.push(
      { weight: 16, arbitrary: bodies.map((body) => ({ ...call, body: JSON.stringify(body) })) },
      { weight: 1, arbitrary: bodies.map((body) => ({ ...call, body: Buffer.from(JSON.stringify(body)).toString("base64"), isBase64Encoded: true })) },
      { weight: 2, arbitrary: anyText.filter((text) => !isJson(text)).map((body) => ({ ...call, body })) },
      {
        weight: 1,
        arbitrary: headerText.filter((text) => !/json/i.test(text)).map((type) => ({ ...call, headers: { ...call.headers, "content-type": type } })),
      },
    );
  }
  return fc.oneof(...kinds);
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/** Routes that take much can be called wrongly in more ways. */
const weightOf = ({ operation: { parameters, requestBody } }: (typeof operations)[number]) => 1 + 2 * parameters.length + (requestBody === undefined ? 0 : 8);
const weights = operations.reduce((sum, each) => sum + weightOf(each), 0);
let sent = 0;

describe.each(operations.map((each) => [each.name, each] as const))("%s", (name, each) => {
  it("refuses all that its document does not allow, with nothing done", async () => {
    const call = goodCall(name);
    const { acts, logged, send } = await worldFor(call);
    await fc.assert(
      fc.asyncProperty(wrongRequests(each.path, each.method, call, each.operation), async (wrong) => {
        sent += 1;
        const answer = await send(wrong);
        // A page for people says in words what is wrong.
        const { status } = each.path.startsWith("/pay/") && String(answer.headers["content-type"]).startsWith("text/html") ? answer : problemIn(answer);
        expect(status).toBeGreaterThanOrEqual(400);
        expect(status).toBeLessThan(500);
        expect([acts, logged.filter((code) => code !== "webhook-refused")]).toEqual([[], []]);
      }),
      { seed: SEED, numRuns: Math.ceil((REQUESTS * weightOf(each)) / weights) },
    );
  });
});

it(`was all put to ${REQUESTS} requests at least`, () => {
  expect(sent).toBeGreaterThanOrEqual(REQUESTS);
});
