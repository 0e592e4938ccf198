// Gives a child process the time of the local stack: `node --import <this file>`, before anything of the function is loaded.
import { CLOCK_FILE_VARIABLE, followClock } from "./clock.ts";

const file = process.env[CLOCK_FILE_VARIABLE];
if (file === undefined) throw new Error(`${CLOCK_FILE_VARIABLE} does not name the local clock's file`);
followClock({ file });
