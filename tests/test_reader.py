"""The reader, with small random weights for its logic and with the shipped weights for its answers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rag.errors import ModelMissing
from rag.reader import weights
from rag.reader.encode import CLS, MAX_LENGTH, MAX_QUESTION, SEP, batch, encode, tokens_of
from rag.reader.model import Reader, best_spans

LIGHTHOUSE = (
    "The lighthouse on Skerry Rock was lit for the first time in 1844. Its keeper, Ada Morrow, lived there for 31 years. "
    "A storm broke the lantern in 1871, and the harbour paid $4,200 to mend it."
)


def random_reader() -> Reader:
    """The encoder as packaged, with heads that were never trained: right shapes and offsets, senseless answers."""
    from rag.reader import net

    frozen, train = weights.base()
    return Reader(net.SpanNet(frozen, train | net.fresh_heads(seed=1)).eval())


def test_sequence_is_cls_question_sep_passage_sep() -> None:
    (one,) = encode([("Who kept it?", "Ada Morrow.")])
    assert one.ids[0] == CLS and one.ids[-1] == SEP and one.ids.count(SEP) == 2
    assert one.ids[one.first - 1] == SEP
    assert ["Ada Morrow."[a:b] for a, b in one.offsets] == ["Ada", "Morrow", "."]


def test_long_question_keeps_its_end_where_the_follow_up_stands() -> None:
    long, short = encode([("word " * 200 + "lantern?", "It broke."), ("lantern?", "It broke.")])
    assert long.first == MAX_QUESTION + 2
    assert long.ids[long.first - 3 : long.first] == short.ids[short.first - 3 : short.first]


def test_long_passage_is_cut_to_the_networks_length() -> None:
    (one,) = encode([("Where?", "rock " * 1000)])
    assert len(one.ids) == MAX_LENGTH
    assert len(one.offsets) == MAX_LENGTH - one.first - 1


def test_answer_past_the_cut_has_no_tokens() -> None:
    passage = "rock " * 1000 + "Ada"
    (one,) = encode([("Who?", passage)])
    assert tokens_of((5000, 5003), one) is None
    assert tokens_of((0, 4), one) == (one.first, one.first)


def test_padding_is_marked_as_not_real() -> None:
    ids, segments, real = batch(encode([("Who?", "Ada."), ("Who kept the light?", LIGHTHOUSE)]), multiple=16)
    assert ids.shape[1] % 16 == 0
    assert real[0].sum() == 7  # [CLS] who ? [SEP] ada . [SEP]
    assert segments[0].sum() == 3  # ada . [SEP]


def test_best_spans_neither_overlap_nor_run_backwards() -> None:
    logits = np.array([[0.0, 9.0], [5.0, 0.0], [0.0, 5.0], [4.0, 4.0]])
    assert best_spans(logits, kept=3) == [(1, 2, 10.0), (0, 0, 9.0), (3, 3, 8.0)]


def test_no_span_is_longer_than_the_longest() -> None:
    logits = np.zeros((10, 2))
    logits[0, 0] = logits[9, 1] = 8.0
    assert all(last - first < 4 for first, last, _ in best_spans(logits, kept=5, longest=4))


def test_span_offsets_are_the_passages_own_characters() -> None:
    reading = random_reader().read([("Who kept the light?", LIGHTHOUSE)])[0]
    assert 0 <= reading.start < reading.end <= len(LIGHTHOUSE)
    assert (reading.start, reading.end, reading.score) == (reading.spans[0].start, reading.spans[0].end, reading.spans[0].score)
    assert [s.score for s in reading.spans] == sorted((s.score for s in reading.spans), reverse=True)


def test_order_and_company_do_not_change_a_reading() -> None:
    """Batching sorts by length and pads: neither may leak into the result."""
    reader = random_reader()
    pairs = [("Who kept the light?", LIGHTHOUSE), ("When?", "In 1844."), ("What did it cost?", LIGHTHOUSE[66:])]
    together = reader.read(pairs)
    for pair, reading in zip(pairs, together, strict=True):
        alone = reader.read([pair])[0]
        assert (alone.start, alone.end) == (reading.start, reading.end)
        assert alone.null == pytest.approx(reading.null, abs=1e-3)


def test_nothing_to_read_is_no_reading() -> None:
    assert random_reader().read([]) == []


@pytest.mark.parametrize("passage", ["", "   ", "\u200b"])
def test_empty_passage_has_no_span(passage: str) -> None:
    reading = random_reader().read([("Who?", passage)])[0]
    assert (reading.start, reading.end, reading.spans) == (0, 0, ())
    assert reading.score == float("-inf")


@settings(max_examples=15, deadline=None)
@given(question=st.text(max_size=40), passage=st.text(max_size=120))
def test_any_text_gives_offsets_inside_the_passage(question: str, passage: str) -> None:
    reading = READER.read([(question, passage)])[0]
    assert all(0 <= s.start <= s.end <= len(passage) for s in reading.spans)


READER = random_reader()


def test_weights_come_back_as_near_as_their_rank_allows() -> None:
    import torch

    torch.manual_seed(0)
    left, right = torch.randn(40, 3), torch.randn(3, 30)
    start = {"m": torch.randn(40, 30)}
    trained = {"m": start["m"] + left @ right, "bias": torch.tensor([0.5, 2.0])}
    back = weights.unpack(weights.pack(trained, start, rank=3), start)
    assert torch.allclose(back["m"], trained["m"], atol=0.02)
    assert back["bias"].tolist() == [0.5, 2.0]
    less = weights.unpack(weights.pack(trained, start, rank=2), start)["m"]
    third = float(torch.linalg.svdvals(left @ right)[2])
    assert float(torch.linalg.norm(less - trained["m"])) == pytest.approx(third, rel=0.02), "what the rank leaves out"


def test_missing_weights_name_the_command_that_makes_them(tmp_path: Path) -> None:
    with pytest.raises(ModelMissing, match=r"python -m rag\.reader\.train"):
        Reader.load(tmp_path / "none.safetensors")


def test_damaged_weights_name_the_command(tmp_path: Path) -> None:
    file = tmp_path / "reader.safetensors"
    file.write_bytes(b"not a tensor in sight")
    with pytest.raises(ModelMissing, match=r"do not load.*rag\.reader\.train"):
        Reader.load(file)


def test_weights_made_on_another_encoder_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from rag.reader import net

    file = tmp_path / "reader.safetensors"
    monkeypatch.setattr(weights, "model_sha256", lambda: "0" * 64)
    weights.save(weights.base()[1] | net.fresh_heads(1), file, {})
    monkeypatch.undo()
    with pytest.raises(ModelMissing, match="another encoder"):
        Reader.load(file)


def test_cut_off_weights_are_refused(tmp_path: Path) -> None:
    from rag.reader import net

    file = tmp_path / "reader.safetensors"
    weights.save(weights.base()[1] | net.fresh_heads(1), file, {})
    file.write_bytes(file.read_bytes()[:-1000])
    with pytest.raises(ModelMissing, match="do not load"):
        Reader.load(file)


def test_weights_with_a_tensor_missing_are_refused(tmp_path: Path) -> None:
    import torch
    from safetensors.torch import save_file

    from rag.embed import model_sha256

    file = tmp_path / "reader.safetensors"
    save_file({"span.bias": torch.zeros(2)}, file, {"encoder_sha256": model_sha256(), "format": weights.FORMAT})
    with pytest.raises(ModelMissing, match="lacks"):
        Reader.load(file)
