import type { JupyterFrontEndPlugin } from '@jupyterlab/application';

import workflow from './workflow/plugin';
import client from './lab/clientPlugin';
import containers from './hub/containers/plugin';
import data from './data/plugin';
import environments from './environments/plugin';
import experiments from './experiments/plugin';
import help from './help/plugin';
import lineage from './lineage/plugin';
import notebooks from './notebook/plugin';
import proof from './git/verification/plugin';
import registry from './models/plugin';
import sidebar from './git/plugin';
import pages from './hub/pages/plugin';
import team from './hub/sharedProjects/plugin';
import lab from './lab/plugin';
import welcome from './welcome/plugin';
import workflows from './workflow/list/plugin';

const plugins: JupyterFrontEndPlugin<unknown>[] = [
  ...client,
  ...lab,
  ...workflow,
  sidebar,
  workflows,
  data,
  registry,
  environments,
  experiments,
  lineage,
  proof,
  containers,
  team,
  pages,
  notebooks,
  welcome,
  help
];

export default plugins;
