import type { JupyterFrontEndPlugin } from '@jupyterlab/application';

import canvas from './plugins/canvas';
import client from './plugins/client';
import containers from './plugins/containers';
import data from './plugins/data';
import experiments from './plugins/experiments';
import lineage from './plugins/lineage';
import notebooks from './plugins/notebooks';
import proof from './plugins/proof';
import registry from './plugins/registry';
import sidebar from './plugins/sidebar';
import team from './plugins/team';
import views from './plugins/views';

const plugins: JupyterFrontEndPlugin<any>[] = [
  ...client,
  views,
  canvas,
  sidebar,
  data,
  registry,
  experiments,
  lineage,
  proof,
  containers,
  team,
  notebooks
];

export default plugins;
