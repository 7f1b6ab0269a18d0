import type { JupyterFrontEndPlugin } from '@jupyterlab/application';

import canvas from './plugins/canvas';
import client from './plugins/client';
import containers from './plugins/containers';
import sidebar from './plugins/sidebar';

const plugins: JupyterFrontEndPlugin<any>[] = [
  ...client,
  canvas,
  sidebar,
  containers
];

export default plugins;
