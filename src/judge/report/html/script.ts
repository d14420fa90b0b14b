/** The page's only script: copy buttons and the download. Everything can be read without it. */
export const script = `
for (const button of document.querySelectorAll('button.copy')) {
  button.hidden = false;
  button.addEventListener('click', async () => {
    const text = button.closest('.copyable').querySelector('pre');
    try {
      await navigator.clipboard.writeText(text.textContent);
      button.textContent = 'Copied';
    } catch {
      getSelection().selectAllChildren(text);
      button.textContent = 'Selected';
    }
    setTimeout(() => { button.textContent = 'Copy'; }, 2000);
  });
}
const download = document.getElementById('download');
download.hidden = false;
download.addEventListener('click', () => {
  const report = JSON.parse(document.getElementById('report-data').textContent);
  const url = URL.createObjectURL(new Blob([JSON.stringify(report, null, 2) + '\\n'], { type: 'application/json' }));
  const link = document.createElement('a');
  link.href = url;
  link.download = document.querySelector('main').dataset.name;
  link.click();
  URL.revokeObjectURL(url);
});
`;
