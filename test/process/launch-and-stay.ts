// A server in small: launches what it is told, says what came of it, and stays until it is killed.
import type { LaunchRequest } from '../../server/process/launcher.ts';
import { launch, prepareFolder } from '../../server/process/launcher.ts';

const request = JSON.parse(process.argv[2] ?? '') as LaunchRequest;
prepareFolder(request.folder);
console.log(JSON.stringify(await launch(request)));
setInterval(() => {}, 60_000);
