"""What kind a Spanish text is, told from its words alone; names of kinds are those of `words`."""

from __future__ import annotations

from typing import Final

# The first that is found in the text tells; more special ones stand first.
SIGNS: Final[tuple[tuple[str, str], ...]] = (
    ("CONFIRM_PHONE", r"soy yo"),
    ("PHONE_CONFIRMED", r"tu numero queda confirmado"),
    ("REMINDER", r"otra vez, solo esta"),
    ("OPT_IN", r"¿Seguimos en contacto\?"),
    ("CHECK_IN", r"No hace falta contestar\. 1 todo bien"),
    ("CONTACTS_ENDED", r"no habra mas mensajes\. Puedes volver"),
    ("OPT_IN_DONE", r"seguimos en contacto\. Cuando quieras"),
    ("OPT_OUT_DONE", r"no te escribimos mas"),
    ("INVITATION_ACCEPTED", r"^Bien, nos vemos"),
    ("INVITATION", r"eunion voluntaria"),
    ("CRISIS_ANSWER", r"En peligro: llama al"),
    ("READ_BY", r"Una persona lo lee antes de"),
    ("HELP_ANSWER", r"te busca antes de|Te buscamos:"),
    ("WHICH_CODE", r"^¿Cual\?"),
    ("WHO", r"^Entra aqui:|tiene la direccion para entrar"),
    ("LINK_CODE", r"^Para entrar, vale"),
    ("PASSKEY_ADDED", r"hay una llave de acceso nueva"),
    ("TEAM_NOTICE", r"tiene \d+ de \d+ personas"),
    ("PAGE", r"turno(?: \(otra vez\))?, contesta antes de"),
    ("ASSIGNED", r"el turno es tuyo|: es tuyo\."),
    ("ALREADY_COVERED", r"ya esta cubierto, gracias"),
    ("STAND_DOWN", r"ya no hace falta, (?:no hay que hacer nada|pero por favor llama)"),
    ("RELEASED", r"otra persona se encarga de"),
    ("COVERED", r"(?:esta cubierto|lo tiene .+), no hay que hacer nada"),
    ("MEMBER_STOPPED", r"ya no recibe mensajes, tampoco avisos"),
    ("APPROVAL", r"se propone una reunion de grupo"),
    ("SESSION_REPORT", r"¿cuantos vinieron a la reunion"),
    ("SESSION_REMINDER", r"aviso, reunion"),
    ("SESSION_OFF", r"no se hace la reunion"),
    ("SESSION_TEAM", r"(?:vas a la|compañeros:|:) reunion"),
    ("PEER_TASK_OVERDUE", r"¿como fue la llamada\?"),
    ("ESCALATION_OVERDUE", r"¿como fue \S+\?"),
    ("TURN_TAKEN", r"\b[A-Z]\d[A-Z]\d es tuyo(?:, gracias)?\. Antes de"),
    ("ESCALATION_ASSIGNED", r"\b[A-Z]\d[A-Z]\d es tuyo"),
    ("PEER_TASK", r"por favor llama antes de|: llama antes de"),
    ("NOTED", r"anotado, gracias"),
    ("HANDED_BACK", r"queda devuelto"),
    ("ESCALATION", r"alguien (?:pide|espera) una llamada"),
    ("WELFARE", r"(?:seguimos|estamos) sin hablar con alguien"),
    ("QUEUE_OVERDUE", r"un mensaje lleva \d+ min"),
    ("QUEUE_NEW", r"un mensaje espera que|hay que llamar a"),
    ("ASK_EXPOSURE_END", r"falta una hora de salida"),
    ("MHP_REMINDER", r"citas individuales vencen"),
    ("UNSETTLED", r"quiza no llego"),
    ("ATTESTATION", r"control nocturno"),
    ("RESTORED", r"registros de .+ esperan tu palabra"),
    ("LOOKED", r"se abrio una lista fuera de lo usual"),
    ("OFFERS_DUE", r"por ofrecer hasta"),
    ("TURN", r"hace falta alguien antes de"),
    ("HAND_OFF", r"lo lleva otra persona del equipo|nadie lo ha tomado, vuelve a ser tuyo"),
    ("SWAP_ASK", r"la guardia .+\? 1 "),
    ("SWAP_TOLD", r"uardia .+ (?:es tuya|sigue siendo tuya|ya no se te pide)|toma tu guardia"),
    ("CALL_ARRANGED", r"^Hola\b.* te llama antes de"),
    ("CALL_PROMISED", r"lguien (?:de los .* )?te llama antes de .* ¿Antes\? Escribe 3"),
    ("CALL_NOW", r"lguien de los .* te llama antes de|compañeros: alguien te llama antes de"),
    ("ESCALATION_TAKEN", r"^\S+ te llama antes de"),
)
MONTHS: Final = ("ene", "feb", "mar", "abr", "may", "jun", "jul", "ago", "sep", "oct", "nov", "dic")
TELLING: Final = (
    "suicid|dispar|tiro|pistola|mata|muert|muri|fallec|fatal|trauma|incidente|debrief|consejer|terapi|"
    "psic|clinic|herid|lesi|estr[eé]s|mental|escala|crisis|arma|homicid|asalt"
)
