import { UnsupportedTemplate } from "./unsupported-template.ts";

/** Says whether an event matches. */
export type EventMatcher = (event: unknown) => boolean;

/** Judges one value of the event: undefined where the event has none, or has an object there. */
type Alternative = (value: unknown) => boolean;

/**
 * Reads an EventBridge event pattern.
 *
 * Knows exact values, nested objects, lists of alternatives, prefix, suffix, anything-but, exists, numeric and equals-ignore-case, as
 * docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-pattern-operators.html has them, and throws UnsupportedTemplate for anything else.
 */
export function readEventPattern(pattern: unknown): EventMatcher {
  return readObject(pattern, "");
}

function readObject(pattern: unknown, path: string): EventMatcher {
  if (!isObject(pattern)) return refuse(path, "must be an object or a list of alternatives");
  const fields = Object.entries(pattern).map(([key, inner]) => {
    const here = path === "" ? key : `${path}.${key}`;
    if (key === "$or") return refuse(here, "$or is not supported locally");
    return [key, Array.isArray(inner) ? readAlternatives(inner, here) : readObject(inner, here)] as const;
  });
  if (fields.length === 0) return refuse(path, "is empty, which EventBridge refuses");
  const matches: EventMatcher = (event) => {
    // An event that lacks the object may still match: `exists: false` is true of everything inside it.
    if (Array.isArray(event)) return event.some(matches);
    return fields.every(([key, match]) => match(isObject(event) && Object.hasOwn(event, key) ? event[key] : undefined));
  };
  return matches;
}

function readAlternatives(alternatives: readonly unknown[], path: string): EventMatcher {
  if (alternatives.length === 0) return refuse(path, "is an empty list, which EventBridge refuses");
  const matchers = alternatives.map((alternative) => readAlternative(alternative, path));
  return (value) => leaves(value).some((leaf) => matchers.some((matches) => matches(leaf)));
}

/** The values that operators look at: of a list each member, of an object (or of nothing) none, which `exists: false` sees as undefined. */
function leaves(value: unknown): unknown[] {
  if (!Array.isArray(value)) return [isObject(value) ? undefined : value];
  const members = value.flatMap(leaves).filter((leaf) => leaf !== undefined);
  return members.length === 0 ? [undefined] : members;
}

function readAlternative(alternative: unknown, path: string): Alternative {
  if (isScalar(alternative)) return (value) => value === alternative;
  if (!isObject(alternative)) return refuse(path, "has a list among its alternatives");
  const [[operator, operand] = ["", undefined], ...more] = Object.entries(alternative);
  if (more.length > 0) return refuse(path, `has the operators ${Object.keys(alternative).join(" and ")} in one alternative, where EventBridge allows one`);
  switch (operator) {
    case "prefix":
    case "suffix":
    case "equals-ignore-case":
      return typeof operand === "string" ? textOperator(operator, operand) : refuse(path, `${operator} needs a text`);
    case "exists":
      return typeof operand === "boolean" ? (value) => (value !== undefined) === operand : refuse(path, "exists needs true or false");
    case "numeric":
      return readNumeric(operand, path);
    case "anything-but":
      return readAnythingBut(operand, path);
    default:
      return refuse(path, `the operator ${operator} is not supported locally`);
  }
}

function textOperator(operator: "prefix" | "suffix" | "equals-ignore-case", operand: string): Alternative {
  const lower = operand.toLowerCase();
  const matches = {
    prefix: (text: string) => text.startsWith(operand),
    suffix: (text: string) => text.endsWith(operand),
    "equals-ignore-case": (text: string) => text.toLowerCase() === lower,
  }[operator];
  return (value) => typeof value === "string" && matches(value);
}

function readAnythingBut(operand: unknown, path: string): Alternative {
  if (isObject(operand)) {
    const prefix = Object.keys(operand).length === 1 ? operand.prefix : undefined;
    if (typeof prefix !== "string") return refuse(path, `anything-but knows only prefix locally, not ${JSON.stringify(operand)}`);
    return (value) => value !== undefined && !(typeof value === "string" && value.startsWith(prefix));
  }
  const excluded = Array.isArray(operand) ? operand : [operand];
  const ofOneKind = excluded.every((item) => typeof item === "string") || excluded.every((item) => typeof item === "number");
  if (excluded.length === 0 || !ofOneKind) return refuse(path, "anything-but needs texts or numbers, and not both");
  return (value) => value !== undefined && !excluded.some((item) => item === value);
}

const COMPARISONS: Readonly<Record<string, (value: number, bound: number) => boolean>> = {
  "=": (value, bound) => value === bound,
  "<": (value, bound) => value < bound,
  "<=": (value, bound) => value <= bound,
  ">": (value, bound) => value > bound,
  ">=": (value, bound) => value >= bound,
};
/** EventBridge compares numbers between -5e9 and 5e9. */
const NUMERIC_LIMIT = 5e9;

/** One comparison, or a range: a lower bound and then an upper one. */
function readNumeric(operand: unknown, path: string): Alternative {
  const terms: unknown[] = Array.isArray(operand) ? operand : [];
  const comparisons: { readonly sign: string; readonly holds: (value: number) => boolean }[] = [];
  for (let index = 0; index < terms.length; index += 2) {
    const [sign, bound] = [terms[index], terms[index + 1]];
    const compare = typeof sign === "string" ? COMPARISONS[sign] : undefined;
    if (typeof sign !== "string" || compare === undefined || typeof bound !== "number" || Math.abs(bound) > NUMERIC_LIMIT) {
      return refuse(path, `numeric cannot read ${JSON.stringify(operand)}`);
    }
    comparisons.push({ sign, holds: (value) => compare(value, bound) });
  }
  const signs = comparisons.map(({ sign }) => sign).join(" ");
  if (comparisons.length !== 1 && !/^>=? <=?$/.test(signs)) {
    return refuse(path, `numeric needs one comparison, or a lower bound and then an upper one, not ${JSON.stringify(operand)}`);
  }
  return (value) => typeof value === "number" && comparisons.every(({ holds }) => holds(value));
}

function isScalar(value: unknown): value is string | number | boolean | null {
  return value === null || typeof value === "string" || typeof value === "number" || typeof value === "boolean";
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function refuse(path: string, fault: string): never {
  throw new UnsupportedTemplate(
    `Event pattern${path === "" ? "" : `, field ${path}`}: ${fault}. Write it another way, or teach it to local/cloud/event-pattern.ts`,
  );
}
