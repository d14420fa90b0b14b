/** What charts use of echarts. The build puts echarts itself into this module, so that nobody has to install it; what
 *  echarts registers unasked (LabelLayout) gets lost there and must be named. */
export { LineChart, ScatterChart, TreemapChart } from 'echarts/charts';
export { GridComponent, MarkLineComponent } from 'echarts/components';
export { init, use } from 'echarts/core';
export { LabelLayout } from 'echarts/features';
export { SVGRenderer } from 'echarts/renderers';
