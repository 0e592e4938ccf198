import { readFileSync, writeFileSync } from "node:fs";
import { costTables } from "./costs.ts";

/** `npm run costs`: the tables of docs/deploy.md; with `--write`, into it. */

const PAGE = new URL("../docs/deploy.md", import.meta.url);
/** The marks between which they stand. */
const BETWEEN = /(?<=<!-- npm run costs -- --write -->\n)[\s\S]*(?=<!-- end of it -->)/;

const [option, ...more] = process.argv.slice(2);
if ((option !== undefined && option !== "--write") || more.length > 0) {
  console.error("npm run costs [-- --write]: what a month costs at AWS, by bench/costs.ts; --write puts it into docs/deploy.md");
  process.exit(2);
}
if (option === "--write") writeFileSync(PAGE, readFileSync(PAGE, "utf8").replace(BETWEEN, `\n${costTables()}\n\n`));
else console.log(costTables());
