import '@jupyterlab/ui-components/style/icons.css';
import '@jupyterlab/ui-components/style/styling.css';
import '@jupyterlab/application/style/buttons.css';
import '../../../style/base.css';
import '../../../style/containers.css';
import '../../../style/hub-admin.css';

import { createRoot } from 'react-dom/client';

import { MLWSClient } from '../../api/client';
import { setLocale } from '../../ui/locale';
import { ContainersModel } from '../containers/model';
import { readConfig } from './config';
import { hubServer } from './hubServer';
import { Page } from './page';
import { PageTheme } from './theme';
import { loadTranslations } from './translations';

async function main(root: HTMLElement): Promise<void> {
  const theme = new PageTheme();
  const config = readConfig(root);
  const server = hubServer(config);
  const trans = await loadTranslations(config, server);
  setLocale(config.language, trans);
  document.documentElement.lang = config.language;
  document.body.classList.add('jp-ThemedContainer');
  document.title = trans.__('Containers');
  const client = new MLWSClient(server);
  const model = new ContainersModel(client);
  createRoot(root).render(<Page model={model} config={config} theme={theme} />);
}

void main(document.getElementById('mlws-admin')!);
