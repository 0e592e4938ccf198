import { describe, expect, it } from "@jest/globals";
import { readEventPattern } from "../../local/cloud/event-pattern.ts";
import { UnsupportedTemplate } from "../../local/cloud/unsupported-template.ts";

/** In the shape of the examples at docs.aws.amazon.com/eventbridge/latest/userguide/eb-event-patterns.html */
const event = {
  source: "aws.ec2",
  "detail-type": "EC2 Instance State-change Notification",
  time: "2017-10-02T18:43:48Z",
  region: "us-west-1",
  resources: ["arn:aws:ec2:us-west-1:123456789012:instance/i-1"],
  detail: {
    "instance-id": "i-1",
    state: "terminated",
    responseElements: null,
    empty: "",
    done: true,
    count: 5,
    limit: 301.8,
    file: "photo.png",
    tags: ["blue", "green"],
    none: [],
    nested: { inner: { deep: 1 } },
    parts: [{ kind: "disk" }, { kind: "net", speed: 10 }],
  },
};

const matching: [string, object][] = [
  ["an exact text", { source: ["aws.ec2"] }],
  ["one of several alternatives", { detail: { state: ["stopped", "terminated"] } }],
  ["all of several fields", { source: ["aws.ec2"], detail: { state: ["terminated"], count: [5] } }],
  ["a number", { detail: { limit: [301.8] } }],
  ["a boolean", { detail: { done: [true] } }],
  ["null", { detail: { responseElements: [null] } }],
  ["an empty text", { detail: { empty: [""] } }],
  ["nested objects", { detail: { nested: { inner: { deep: [1] } } } }],
  ["one member of a list", { detail: { tags: ["green", "red"] } }],
  ["a field in a list of objects", { detail: { parts: { kind: ["net"], speed: [10] } } }],
  ["prefix", { time: [{ prefix: "2017-10-02" }] }],
  ["suffix", { detail: { file: [{ suffix: ".png" }] } }],
  ["prefix of a list's member", { resources: [{ prefix: "arn:aws:ec2:" }] }],
  ["equals-ignore-case", { detail: { state: [{ "equals-ignore-case": "TermInated" }] } }],
  ["anything-but a text", { detail: { state: [{ "anything-but": "initializing" }] } }],
  ["anything-but a number", { detail: { limit: [{ "anything-but": 123 }] } }],
  ["anything-but a list of texts", { detail: { state: [{ "anything-but": ["stopped", "overloaded"] }] } }],
  ["anything-but a list of numbers", { detail: { limit: [{ "anything-but": [100, 200, 300] }] } }],
  ["anything-but a prefix", { region: [{ "anything-but": { prefix: "eu-" } }] }],
  ["exists: true", { detail: { state: [{ exists: true }] } }],
  ["exists: true of a null", { detail: { responseElements: [{ exists: true }] } }],
  ["exists: false", { detail: { "c-count": [{ exists: false }] } }],
  ["exists: false inside an object that is not there", { detail: { gone: { deep: [{ exists: false }] } } }],
  ["exists: false of an object, since only leaves exist", { detail: { nested: [{ exists: false }] } }],
  ["exists: false of an empty list", { detail: { none: [{ exists: false }] } }],
  ["numeric equal", { detail: { limit: [{ numeric: ["=", 301.8] }] } }],
  ["numeric greater", { detail: { count: [{ numeric: [">", 0] }] } }],
  ["numeric range", { detail: { count: [{ numeric: [">", 0, "<=", 5] }] } }],
  ["a text or an operator", { detail: { state: ["stopped", { prefix: "term" }] } }],
];

const notMatching: [string, object][] = [
  ["another text", { source: ["aws.s3"] }],
  ["a text in other letters", { source: ["AWS.EC2"] }],
  ["one of two fields", { source: ["aws.ec2"], region: ["eu-west-1"] }],
  ["a number written as a text", { detail: { count: ["5"] } }],
  ["null where there is nothing", { detail: { missing: [null] } }],
  ["a field that is not there", { detail: { missing: ["x"] } }],
  ["what every object inherits", { detail: { constructor: [{ exists: true }] } }],
  ["a nested object that is a text", { detail: { state: { inner: ["x"] } } }],
  ["fields of different members of a list", { detail: { parts: { kind: ["disk"], speed: [10] } } }],
  ["another prefix", { time: [{ prefix: "2018" }] }],
  ["prefix of a number", { detail: { count: [{ prefix: "5" }] } }],
  ["another suffix", { detail: { file: [{ suffix: ".jpg" }] } }],
  ["anything-but the value itself", { detail: { state: [{ "anything-but": "terminated" }] } }],
  ["anything-but a list with the value", { detail: { state: [{ "anything-but": ["stopped", "terminated"] }] } }],
  ["anything-but its own prefix", { region: [{ "anything-but": { prefix: "us-" } }] }],
  ["anything-but of a field that is not there", { detail: { missing: [{ "anything-but": "x" }] } }],
  ["exists: true of an object, since only leaves exist", { detail: { nested: [{ exists: true }] } }],
  ["exists: true of nothing", { detail: { missing: [{ exists: true }] } }],
  ["exists: false of a value", { detail: { state: [{ exists: false }] } }],
  ["numeric below", { detail: { count: [{ numeric: ["<", 5] }] } }],
  ["numeric outside a range", { detail: { count: [{ numeric: [">", 5, "<=", 9] }] } }],
  ["numeric of a text", { detail: { state: [{ numeric: [">", 0] }] } }],
];

const unreadable: [string, unknown, string][] = [
  ["an unknown operator", { detail: { file: [{ wildcard: "*.png" }] } }, "field detail.file: the operator wildcard is not supported locally"],
  ["$or", { detail: { $or: [{ a: [1] }, { b: [2] }] } }, "$or is not supported locally"],
  ["cidr", { detail: { ip: [{ cidr: "10.0.0.0/24" }] } }, "the operator cidr"],
  ["anything-but with another operator", { region: [{ "anything-but": { suffix: "1" } }] }, "anything-but knows only prefix locally"],
  ["anything-but of mixed kinds", { region: [{ "anything-but": ["a", 1] }] }, "texts or numbers, and not both"],
  ["prefix with another operator inside", { region: [{ prefix: { "equals-ignore-case": "US" } }] }, "prefix needs a text"],
  ["two operators in one alternative", { region: [{ prefix: "us", suffix: "1" }] }, "where EventBridge allows one"],
  ["an alternative without an operator", { region: [{}] }, "the operator  is not supported"],
  ["a text instead of a list", { source: "aws.ec2" }, "field source: must be an object or a list of alternatives"],
  ["an empty list", { source: [] }, "is an empty list"],
  ["an empty object", { detail: {} }, "field detail: is empty"],
  ["an empty pattern", {}, "Event pattern: is empty"],
  ["a list in a list", { source: [["a"]] }, "a list among its alternatives"],
  ["an unknown comparison", { detail: { count: [{ numeric: ["!=", 1] }] } }, "numeric cannot read"],
  ["a comparison with a text", { detail: { count: [{ numeric: [">", "1"] }] } }, "numeric cannot read"],
  ["half a range", { detail: { count: [{ numeric: [">", 1, "<="] }] } }, "numeric cannot read"],
  ["an upper bound first", { detail: { count: [{ numeric: ["<", 9, ">", 1] }] } }, "a lower bound and then an upper one"],
  ["no comparison", { detail: { count: [{ numeric: [] }] } }, "numeric needs one comparison"],
  ["exists with a text", { detail: { count: [{ exists: "yes" }] } }, "exists needs true or false"],
];

describe("an event pattern", () => {
  it.each(matching)("matches %s", (_name, pattern) => {
    expect(readEventPattern(pattern)(event)).toBe(true);
  });

  it.each(notMatching)("does not match %s", (_name, pattern) => {
    expect(readEventPattern(pattern)(event)).toBe(false);
  });

  it.each(unreadable)("is refused for %s", (_name, pattern, message) => {
    expect(() => readEventPattern(pattern)).toThrow(UnsupportedTemplate);
    expect(() => readEventPattern(pattern)).toThrow(message);
  });
});
