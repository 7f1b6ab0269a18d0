import { LabIcon } from '@jupyterlab/ui-components';

import branchSvg from '../../style/icons/branch.svg';
import mergeSvg from '../../style/icons/merge.svg';
import minusSvg from '../../style/icons/minus.svg';
import pullSvg from '../../style/icons/pull.svg';
import pushSvg from '../../style/icons/push.svg';

export const branchIcon = new LabIcon({
  name: 'jupyter-mlws:branch',
  svgstr: branchSvg
});
export const mergeIcon = new LabIcon({
  name: 'jupyter-mlws:merge',
  svgstr: mergeSvg
});
export const minusIcon = new LabIcon({
  name: 'jupyter-mlws:minus',
  svgstr: minusSvg
});
export const pullIcon = new LabIcon({
  name: 'jupyter-mlws:pull',
  svgstr: pullSvg
});
export const pushIcon = new LabIcon({
  name: 'jupyter-mlws:push',
  svgstr: pushSvg
});
