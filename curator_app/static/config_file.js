/* The Runs page: puts a YAML file from the disk into the config field. It is read here and never uploaded; what is sent
   is the text of the field, which the person has seen. The server checks size and content again. */

const MAX_BYTES = 50_000;

function say(picker, text) {
  picker.closest('.cu-open').querySelector('[data-part="config-said"]').textContent = text;
}

async function readText(file) {
  if (file.size > MAX_BYTES) {
    throw new Error(`${file.name} has ${file.size.toLocaleString('en')} bytes, and ${MAX_BYTES.toLocaleString('en')} are taken. Is it the right file?`);
  }
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(await file.arrayBuffer());
  } catch {
    throw new Error(`${file.name} cannot be read as text in UTF-8. Save it as such, or paste its text below.`);
  }
}

async function openFile(picker) {
  const [file] = picker.files;
  if (!file) return;
  const field = document.querySelector('#cu-config textarea');
  try {
    field.value = await readText(file);
    field.dispatchEvent(new Event('input', { bubbles: true }));
    say(picker, `${file.name} is in the field below.`);
  } catch (error) {
    say(picker, error.message);
  }
  picker.value = ''; // so that the same file can be chosen again after a change
}

document.addEventListener('change', (event) => {
  if (event.target.matches?.('[data-part="config-file"]')) openFile(event.target);
});
