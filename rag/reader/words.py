"""Words that mean the same, and words of one kind that do not: what the encoder itself knows of them.

Two tables of it are compared. The input embeddings put words near that stand in the same places (doctors, nurses); the
embedding of a word alone as a sentence puts those near that mean the same (doctors, physicians). Near in both: said in
other words. Near in the first alone: another thing of the kind. Opposites are near in both, so they are listed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache, lru_cache

_OPPOSITES = (
    "first last|most least|largest smallest|biggest smallest|highest lowest|greatest smallest|before after|more less|"
    "increase decrease|increased decreased|increasing decreasing|north south|northern southern|east west|"
    "eastern western|male female|males females|"
    "oldest youngest|older younger|early late|earlier later|earliest latest|major minor|begin end|began ended|"
    "start end|started ended|win lose|won lost|winner loser|public private|maximum minimum|always never|above below|"
    "left right|positive negative|success failure|successful unsuccessful|allow forbid|allowed forbidden|"
    "legal illegal|strong weak|stronger weaker|strongest weakest|high low|higher lower|long short|longer shorter|"
    "longest shortest|large small|larger smaller|old new|oldest newest|rich poor|best worst|better worse|"
    "support oppose|supported opposed|accept reject|accepted rejected|born killed|import export|import exports|"
    "imports exports|rise fall|rose fell|gain lose|gained lost|advantage disadvantage|advantages disadvantages|"
    "enemy ally|upper lower|inside outside|internal external|domestic foreign|men women|man woman|boys girls|"
    "king queen|kings queens|father mother|"
    "son daughter|sons daughters|husband wife|brother sister|brothers sisters|uncle aunt|prince princess|"
    "actor actress|popular unpopular|common uncommon|rare common|fast slow|"
    "fastest slowest|heavy light|hot cold|summer winter|majority minority|include exclude|included excluded|"
    "open close|opened closed|created destroyed|build destroy|built destroyed|founded dissolved|joined left|"
    "arrive leave|arrived left|buy sell|bought sold|teacher student|teachers students|buyers sellers|attack defend|"
    "attacked defended"
)
OPPOSITE: dict[str, str] = {}
for _pair in _OPPOSITES.split("|"):
    _one, _other = _pair.split()
    OPPOSITE.setdefault(_one, _other)
    OPPOSITE.setdefault(_other, _one)
_SERIES = frozenset(
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
    "eighteen nineteen twenty thirty forty fifty sixty seventy eighty ninety hundred hundreds thousand thousands "
    "million millions billion billions trillion first second third fourth fifth sixth seventh eighth ninth tenth "
    "monday tuesday wednesday thursday friday saturday sunday january february march april may june july august "
    "september october november december spring summer autumn winter red blue green yellow black white brown pink "
    "purple orange grey gray north south east west northern southern eastern western northeast northwest southeast "
    "southwest hour hours minute minutes seconds day days week weeks month months year years decade decades century "
    "centuries army navy mother father parents grandfather grandmother kilometres kilometers miles metres meters feet "
    "inches tons pounds dollars euros daily weekly monthly annual once twice triple double many much several few more "
    "most less other others same".split()
)
"""Words near each other in both tables of which none may stand for another."""


@lru_cache(maxsize=1)
def _tables() -> Callable[[str], tuple[tuple[str, ...], tuple[str, ...]]]:
    """word → (synonyms, words of its kind and form that mean something else); both empty for a word that is rare, a
    name or several word pieces."""
    import torch
    from sentence_transformers import SentenceTransformer

    from rag.embed import model_folder, tokenizer
    from rag.reader.net import encoder_weights

    vocabulary = tokenizer().get_vocab()
    common = sorted(w for w, i in vocabulary.items() if 2000 <= i < 16000 and w.isalpha() and len(w) > 2)
    inputs = encoder_weights(model_folder() / "model.safetensors")[0]["words"]
    kinds = torch.nn.functional.normalize(inputs - inputs.mean(0), dim=1)[[vocabulary[w] for w in common]]
    encoder = SentenceTransformer(str(model_folder()), device="cpu")
    senses = encoder.encode(common, batch_size=256, normalize_embeddings=True, convert_to_tensor=True)
    place = {word: n for n, word in enumerate(common)}

    @cache
    def near(word: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
        if word not in place:
            return (), ()
        at = place[word]
        kind, sense = (kinds @ kinds[at]).tolist(), (senses @ senses[at]).tolist()
        same, other = [], []
        for w, k, s in zip(common, kind, sense, strict=True):
            if w[:4] == word[:4] or _form(w) != _form(word) or k < 0.27:
                continue
            if s >= 0.6 and k >= 0.38 and s + k >= 1.15:
                if OPPOSITE.get(w) != word and OPPOSITE.get(word) != w and not {w, word} <= _SERIES:
                    same.append(w)
            elif k <= 0.55 and s < 0.6:
                other.append(w)
        return tuple(same), tuple(other)

    return near


def synonyms(word: str) -> Sequence[str]:
    """Words that may stand for `word` ("academics" for "professors", "biggest" for "largest")."""
    return _tables()(word)[0]


def relatives(word: str) -> Sequence[str]:
    """Words of its kind that mean something else ("students" for "professors", "nurses" for "doctors")."""
    return _tables()(word)[1]


def _form(word: str) -> str:
    return next((ending for ending in ("ing", "ed", "ly", "est", "er", "ss", "s") if word.endswith(ending)), "")
