import { isDeepStrictEqual } from "node:util";
import { fullDiff, type ResourceDifference, ResourceImpact } from "@aws-cdk/cloudformation-diff";
import * as z from "zod/mini";

const resource = z.looseObject({
  Type: z.string(),
  Properties: z._default(z.record(z.string(), z.unknown()), {}),
  DeletionPolicy: z.optional(z.string()),
  UpdateReplacePolicy: z.optional(z.string()),
});
type Resource = z.infer<typeof resource>;

/** A CloudFormation template in JSON, as deployed or as synthesized. */
export const template = z.looseObject({ Resources: z._default(z.record(z.string(), resource), {}) });
export type Template = z.infer<typeof template>;

/** A change that can lose what no deployment brings back: a person has to want it. */
export interface StatefulChange {
  readonly logicalId: string;
  /** CloudFormation's. */
  readonly type: string;
  /** What happens, and what it means. */
  readonly says: string;
}

/** What holds something that a new one would not, whatever its policies say. Besides these, all that is kept (`Retain`) counts. */
const STATEFUL: Readonly<Record<string, string>> = {
  "AWS::DynamoDB::GlobalTable": "the stage goes on with an empty table",
  "AWS::Cognito::UserPool": "nobody can sign in who has an account, and whoever registers anew has another id",
  "AWS::Cognito::UserPoolClient": "apps must be given a new client id, and everybody signs in again",
  "AWS::Events::EventBus": "rules, archive and consumers outside stay at the old one",
  "AWS::Events::Archive": "events of the last days cannot be replayed any more",
  "AWS::SecretsManager::Secret": "the new one has another value: keys must be written again, and what was signed or hashed by it fits no more",
  "AWS::SES::EmailIdentity": "no mail is sent until the new one is verified",
  "AWS::SNS::Topic": "whoever subscribed to it hears nothing any more",
  "AWS::SQS::Queue": "the messages in it are lost: work, dead letters, or what waits for a person",
  "AWS::ApiGatewayV2::Api": "its address changes: apps, links in notices and the webhook endpoint at Stripe lead nowhere",
};

/** Properties that CloudFormation counts as updates, and that lose something all the same. */
const LOSING_PROPERTIES: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  // Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-secretsmanager-secret.html ("a new secret version is created")
  "AWS::SecretsManager::Secret": { GenerateSecretString: "its value is overwritten by a new one", SecretString: "its value is overwritten" },
  // Source: https://docs.aws.amazon.com/cognito/latest/developerguide/cognito-user-pool-updating.html
  "AWS::Cognito::UserPool": Object.fromEntries(
    ["UsernameAttributes", "AliasAttributes", "UsernameConfiguration"].map((name) => [name, "Cognito cannot change it: it takes a new user pool"]),
  ),
  "AWS::DynamoDB::GlobalTable": { TimeToLiveSpecification: "other items than now are deleted when their time is over" },
  "AWS::Events::Archive": { EventPattern: "other events than now are kept" },
};

/**
 * Finds what a deployment would replace, remove or stop protecting among the things that hold data.
 *
 * A logical id that is renamed is a removal: CloudFormation makes a new thing, and the stack forgets the old one. What the templates do not show (a changed
 * value of an import) is not found here. Replacements are known from AWS's own specification of resources.
 */
export function statefulChanges(deployed: Template, next: Template): StatefulChange[] {
  const changes: StatefulChange[] = [];
  fullDiff(deployed, next).resources.forEachDifference((logicalId, difference) => {
    const [before, after] = [deployed.Resources[logicalId], next.Resources[logicalId]];
    if (before === undefined || !isStateful(before)) return;
    for (const says of lossesOf(before, after, difference)) changes.push({ logicalId, type: before.Type, says });
  });
  return changes;
}

/** Whether a template has something that must outlive its stack. */
export function holdsData({ Resources }: Template): boolean {
  return Object.values(Resources).some(isKept);
}

function isStateful(before: Resource): boolean {
  return before.Type in STATEFUL || isKept(before);
}

function isKept({ DeletionPolicy, UpdateReplacePolicy }: Resource): boolean {
  return [DeletionPolicy, UpdateReplacePolicy].some((policy) => policy?.startsWith("Retain") === true);
}

function lossesOf(before: Resource, after: Resource | undefined, difference: ResourceDifference): string[] {
  const meaning = STATEFUL[before.Type] ?? "whatever refers to it has to follow";
  if (after === undefined) return [`${isKept(before) ? "leaves the stack, and stays in the account" : "is deleted"}: ${meaning}`];
  if (after.Type !== before.Type) return [`becomes ${after.Type}: ${meaning}`];
  const impacts = Object.entries(difference.propertyUpdates).map(([name, { changeImpact }]) => [name, changeImpact] as const);
  const replacing = impacts.filter(([, impact]) => impact === ResourceImpact.WILL_REPLACE || impact === ResourceImpact.MAY_REPLACE);
  if (replacing.length > 0) {
    const isSure = difference.changeImpact === ResourceImpact.WILL_REPLACE;
    return [`${isSure ? "is" : "may be"} replaced by a new one, as ${replacing.map(([name]) => name).join(", ")} changes: ${meaning}`];
  }
  const overwritten = impacts.flatMap(([name]) => {
    const loss = LOSING_PROPERTIES[before.Type]?.[name];
    return loss === undefined ? [] : [`${name} changes: ${loss}`];
  });
  const lost = protectionsOf(before).filter((protection) => !protectionsOf(after).includes(protection));
  return [...overwritten, ...indexLosses(before, after), ...shorterKept(before, after), ...lost.map((protection) => `loses its protection by ${protection}`)];
}

const TABLE = z.object({
  AttributeDefinitions: z._default(z.array(z.object({ AttributeName: z.string(), AttributeType: z.string() })), []),
  GlobalSecondaryIndexes: z._default(z.array(z.looseObject({ IndexName: z.string(), KeySchema: z.unknown(), Projection: z.unknown() })), []),
  Replicas: z._default(
    z.array(
      z.object({
        DeletionProtectionEnabled: z.optional(z.unknown()),
        PointInTimeRecoverySpecification: z.optional(
          z.object({ PointInTimeRecoveryEnabled: z.unknown(), RecoveryPeriodInDays: z.optional(z.coerce.number()) }),
        ),
      }),
    ),
    [],
  ),
});

/** An index that goes or is made anew answers nothing meanwhile; CloudFormation calls that an update of its table. */
function indexLosses(before: Resource, after: Resource): string[] {
  if (before.Type !== "AWS::DynamoDB::GlobalTable") return [];
  const [was, becomes] = [z.parse(TABLE, before.Properties), z.parse(TABLE, after.Properties)];
  const indexes = was.GlobalSecondaryIndexes.flatMap((index) => {
    const same = becomes.GlobalSecondaryIndexes.find(({ IndexName }) => IndexName === index.IndexName);
    if (same === undefined) return [`loses its index ${index.IndexName}`];
    const isSame = isDeepStrictEqual([same.KeySchema, same.Projection], [index.KeySchema, index.Projection]);
    return isSame ? [] : [`its index ${index.IndexName} is made anew: until that is done nothing is found by it`];
  });
  const keys = was.AttributeDefinitions.flatMap(({ AttributeName, AttributeType }) => {
    const same = becomes.AttributeDefinitions.find((each) => each.AttributeName === AttributeName);
    return same === undefined || same.AttributeType === AttributeType ? [] : [`its key ${AttributeName} gets another type: it takes a new table`];
  });
  return [...indexes, ...keys];
}

/** What is older than the new time is gone with the deployment, and CloudFormation calls it an update. */
function shorterKept(before: Resource, after: Resource): string[] {
  const [was, becomes] = [daysKept(before), daysKept(after)];
  if (was === undefined || becomes === undefined || becomes >= was) return [];
  const days = (count: number) => (count === Number.POSITIVE_INFINITY ? "for good" : `for ${count} days`);
  return [`keeps ${days(becomes)} what it keeps ${days(was)} now`];
}

const KEPT_SECONDS = z.object({ MessageRetentionPeriod: z._default(z.coerce.number(), 4 * 86_400) });
/** 0 is for good. */
const KEPT_DAYS = z.object({ RetentionDays: z._default(z.coerce.number(), 0) });
/** DynamoDB's own, and its longest. */
const RECOVERY_DAYS = 35;

/** For how many days a queue keeps messages, an archive events, and a table its past; undefined where nothing says so. */
function daysKept({ Type, Properties }: Resource): number | undefined {
  switch (Type) {
    case "AWS::SQS::Queue":
      return z.parse(KEPT_SECONDS, Properties).MessageRetentionPeriod / 86_400;
    case "AWS::Events::Archive":
      return z.parse(KEPT_DAYS, Properties).RetentionDays || Number.POSITIVE_INFINITY;
    case "AWS::DynamoDB::GlobalTable":
      return Math.min(...z.parse(TABLE, Properties).Replicas.map((each) => each.PointInTimeRecoverySpecification?.RecoveryPeriodInDays ?? RECOVERY_DAYS));
    default:
      return undefined;
  }
}

function protectionsOf({ Type, Properties, DeletionPolicy, UpdateReplacePolicy }: Resource): string[] {
  const isOn = (value: unknown) => value === true || value === "true" || value === "ACTIVE";
  const replicas = Type === "AWS::DynamoDB::GlobalTable" ? z.parse(TABLE, Properties).Replicas : [];
  const held: Readonly<Record<string, boolean>> = {
    DeletionPolicy: DeletionPolicy?.startsWith("Retain") === true,
    UpdateReplacePolicy: UpdateReplacePolicy?.startsWith("Retain") === true,
    "deletion protection": isOn(Properties.DeletionProtection) || (replicas.length > 0 && replicas.every((each) => isOn(each.DeletionProtectionEnabled))),
    "dead letters": Type === "AWS::SQS::Queue" && Properties.RedrivePolicy !== undefined,
    "point-in-time recovery": replicas.length > 0 && replicas.every((each) => isOn(each.PointInTimeRecoverySpecification?.PointInTimeRecoveryEnabled)),
  };
  return Object.keys(held).filter((protection) => held[protection]);
}
