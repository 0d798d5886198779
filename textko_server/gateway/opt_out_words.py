"""Texts by which people ask not to be written to any more, or again: STOP and START.

Only a text that is such a word as a whole counts, with a "please" or "thank you" around it at most,
so that "stop by at noon" is an answer and not a wish. The English words for stopping are those of
47 CFR 64.1200(a)(10). Refuses to know who said it.
"""

import unicodedata
from enum import Enum


class Wish(Enum):
    STOP = "stop"
    START = "start"


_STOP = """
stop; stop all; stopall; unsubscribe; quit; end; cancel; revoke; opt out; optout; stop messages;
arrêt; arrêter; arrêtez; arret; arreter; désabonner; désabonnement; desabonner; désinscription;
alto; parar; pare; baja; detener; cancelar; sair; cancelar inscrição;
stopp; abmelden; abbestellen; afmelden; uitschrijven; avsluta; sluta; avslutt; afmeld;
ferma; fermare; disiscrivi; disiscrivimi; annulla; koniec; rezygnuję; zrušit; odhlásit; leiratkozás;
стоп; отписаться; отписка; стій; відписатися; спри; στοπ; διακοπή;
dur; durdur; iptal; ret; توقف; إيقاف; ايقاف; قف; إلغاء; الغاء; עצור; הסר; הסרה; توقف کنید; لغو;
አቁም; አቁሙ; ይቁም; dhaabi; dhaabaa; jooji; acha; simamisha; sitisha; tsaya;
रोकें; बंद करें; বন্ধ; நிறுத்து; berhenti; stop langganan; dừng; hủy; หยุด; ยกเลิก;
停止; 退订; 退訂; 取消; 配信停止; 중지; 수신거부
"""
_START = """
start; unstop; subscribe; resume; opt in; optin; démarrer; reprendre; commencer; iniciar; empezar;
alta; começar; starten; anmelden; aanmelden; börja; inizia; wznów; начать; старт; підписатися; başlat;
ابدأ; اشتراك; התחל; ጀምር; jalqabi; bilow; anza; शुरू; mulai; bắt đầu; เริ่ม; 开始; 订阅; 開始; 시작
"""  # noqa: E501 - a list of words
_COURTESIES = """
thank you; thank you very much; thanks; thx; ty; please; pls; now; merci; s'il vous plaît; svp;
danke; bitte; gracias; por favor; obrigado; obrigada; grazie; per favore; bedankt; alstublieft; tack;
takk; tak; dziękuję; proszę; спасибо; пожалуйста; дякую; teşekkürler; lütfen; شكرا; من فضلك; תודה;
አመሰግናለሁ; እባክህ; galatoomi; asante; tafadhali; धन्यवाद; terima kasih; cảm ơn; 谢谢; 謝謝; 감사합니다
"""  # noqa: E501 - a list of words
# Nothing longer is such a word with its courtesies.
_MAX_CHARACTERS = 80


def wish_of(text: str) -> Wish | None:
    """What the sender of a text wants of us; None: nothing of that kind."""
    if len(text) > _MAX_CHARACTERS:
        return None
    words = _words(text)
    for courtesy in _COURTESY_WORDS:  # the longest first
        if words.endswith(f" {courtesy}"):
            words = words.removesuffix(f" {courtesy}")
            break
    for courtesy in _COURTESY_WORDS:
        if words.startswith(f"{courtesy} "):
            words = words.removeprefix(f"{courtesy} ")
            break
    return _WISHES.get(words)


def _words(text: str) -> str:
    """The words of a text in one spelling: no case, no punctuation, no emoji, single spaces."""
    # Case folding first undoes what the other would hide, and some of its results need folding.
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    kept = (c if _is_of_a_word(c) else " " for c in folded if c not in _JOINED_TO)
    return " ".join("".join(kept).split())


# Variation selectors and joiners of emoji: part of neither words nor gaps.
_JOINED_TO = frozenset("\ufe0e\ufe0f\u200d\u200c\u200e\u200f'’")


def _is_of_a_word(character: str) -> bool:
    return unicodedata.category(character)[0] in "LMN"


def _listed(words: str) -> list[str]:
    return [_words(word) for word in words.split(";")]


_WISHES = dict.fromkeys(_listed(_STOP), Wish.STOP) | dict.fromkeys(_listed(_START), Wish.START)
_COURTESY_WORDS = sorted(_listed(_COURTESIES), key=len, reverse=True)
