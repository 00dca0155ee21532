// Hands the page's question to the phone's passkeys and sends the answer as a form. Nothing else runs here.
"use strict";

const form = document.querySelector("form[data-passkey]");
const said = document.getElementById("passkey-said");

function bytes(text) {
  const plain = atob(text.replace(/-/g, "+").replace(/_/g, "/"));
  return Uint8Array.from(plain, (letter) => letter.charCodeAt(0));
}

function text(buffer) {
  const letters = Array.from(new Uint8Array(buffer), (one) => String.fromCharCode(one)).join("");
  return btoa(letters).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
}

function listed(found) {
  return (found || []).map((one) => ({ ...one, id: bytes(one.id) }));
}

async function made(asked) {
  const publicKey = {
    ...asked,
    challenge: bytes(asked.challenge),
    user: { ...asked.user, id: bytes(asked.user.id) },
    excludeCredentials: listed(asked.excludeCredentials),
  };
  const found = await navigator.credentials.create({ publicKey });
  return answered(found, {
    attestationObject: text(found.response.attestationObject),
    transports: found.response.getTransports ? found.response.getTransports() : [],
  });
}

async function used(asked) {
  const publicKey = {
    ...asked,
    challenge: bytes(asked.challenge),
    allowCredentials: listed(asked.allowCredentials),
  };
  const found = await navigator.credentials.get({ publicKey });
  return answered(found, {
    authenticatorData: text(found.response.authenticatorData),
    signature: text(found.response.signature),
    userHandle: found.response.userHandle ? text(found.response.userHandle) : null,
  });
}

function answered(found, response) {
  return {
    id: found.id,
    rawId: text(found.rawId),
    type: found.type,
    clientExtensionResults: {},
    response: { clientDataJSON: text(found.response.clientDataJSON), ...response },
  };
}

form.addEventListener("submit", async (event) => {
  if (form.elements.answer.value) return;
  event.preventDefault();
  try {
    const asked = JSON.parse(form.dataset.options);
    const found = await (form.dataset.passkey === "new" ? made(asked) : used(asked));
    form.elements.answer.value = JSON.stringify(found);
    form.submit();
  } catch (problem) {
    said.hidden = false;
  }
});

// Until here a touch would have sent the form without an answer, so the page comes with its button off.
form.querySelector("button").disabled = false;
