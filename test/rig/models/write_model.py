"""Writes a GGUF language model of random weights: a real tokenizer, real sampling, real usage figures, nonsense text.

usage: write_model.py RANKS.tiktoken OUT.gguf SEED END [POOLING]

END is how likely the end token is, as its weight upon a constant: -30 is never, 3 after some twenty tokens.

POOLING (mean) makes it a model for embeddings: the hidden states of a text become one vector.

The vocabulary is the beginning of a real byte-pair vocabulary in rank order, which is itself a whole one: every merge
builds on earlier tokens only.
"""

import base64
import re
import sys

import gguf
import numpy as np

RANKS = 32_000
CONTEXT = 32_768
WIDTH, LAYERS, HEADS, KV_HEADS, FEED_FORWARD = 64, 2, 4, 2, 128
HEAD = WIDTH // HEADS
SPECIAL = ["<|begin_of_text|>", "<|end_of_text|>", "<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>"]
TEMPLATE = (
    "{{ bos_token }}{% for message in messages %}<|start_header_id|>{{ message['role'] }}<|end_header_id|>\n\n"
    "{{ message['content'] }}<|eot_id|>{% endfor %}"
    "{% if add_generation_prompt %}<|start_header_id|>assistant<|end_header_id|>\n\n{% endif %}"
)


def byte_letters():
    """The letter by which byte-level vocabularies write each byte."""
    plain = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)]
    letters = {byte: chr(byte) for byte in plain}
    others = (byte for byte in range(256) if byte not in letters)
    letters.update({byte: chr(256 + index) for index, byte in enumerate(others)})
    return letters


def split(ranks, token):
    """The two tokens whose merge makes this one."""
    parts = [bytes([byte]) for byte in token]
    limit = ranks[token]
    while len(parts) > 2:
        candidates = [(ranks.get(a + b, limit), i) for i, (a, b) in enumerate(zip(parts, parts[1:]))]
        rank, i = min(candidates)
        if rank >= limit:
            return None
        parts[i : i + 2] = [parts[i] + parts[i + 1]]
    return parts


def vocabulary(file):
    ranks = {}
    for line in open(file, encoding="ascii"):
        token, rank = line.split()
        if int(rank) < RANKS:
            ranks[base64.b64decode(token)] = int(rank)
    letters = byte_letters()

    def write(token):
        return "".join(letters[byte] for byte in token)

    ordered = sorted(ranks, key=ranks.get)
    merges = [" ".join(map(write, pair)) for t in ordered if len(t) > 1 and (pair := split(ranks, t))]
    return ordered, [write(t) for t in ordered] + SPECIAL, merges


def main(ranks_file, out_file, seed, end, pooling=None):
    raw, tokens, merges = vocabulary(ranks_file)
    size, first_special = len(tokens), len(raw)
    end_of_turn = first_special + SPECIAL.index("<|eot_id|>")
    random = np.random.default_rng(int(seed))

    def weights(*shape, scale):
        return random.normal(0, scale, shape).astype(np.float32)

    writer = gguf.GGUFWriter(out_file, "llama")
    writer.add_name("tiny")
    writer.add_context_length(CONTEXT)
    writer.add_embedding_length(WIDTH)
    writer.add_block_count(LAYERS)
    writer.add_feed_forward_length(FEED_FORWARD)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(KV_HEADS)
    writer.add_rope_dimension_count(HEAD)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_vocab_size(size)
    writer.add_file_type(gguf.LlamaFileType.MOSTLY_F16)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("llama-bpe")
    writer.add_token_list(tokens)
    control, normal = gguf.TokenType.CONTROL, gguf.TokenType.NORMAL
    writer.add_token_types([normal] * first_special + [control] * len(SPECIAL))
    writer.add_token_merges(merges)
    writer.add_bos_token_id(first_special)
    writer.add_eos_token_id(end_of_turn)
    writer.add_add_bos_token(True)
    if pooling is None:
        writer.add_chat_template(TEMPLATE)
    else:
        writer.add_pooling_type(gguf.PoolingType[pooling.upper()])

    # Dimension 0 of the hidden state is the same positive number everywhere: a constant that the output layer uses to set
    # how likely the end token is, and to rule out everything that is not a readable word.
    embedding = weights(size, WIDTH, scale=1)
    embedding[:, 0] = 4
    output = weights(size, WIDTH, scale=0.25) - 0.1 * embedding  # less likely: the token that came last
    output[:, 0] = 0
    word = re.compile(rb" ?[a-zA-Z]{2,}|[,.?!]")
    output[[i for i in range(size) if i >= first_special or not word.fullmatch(raw[i])], 0] = -30
    output[end_of_turn] = 0
    output[end_of_turn, 0] = float(end)

    def silent_in_dimension_0(matrix):
        matrix[0, :] = 0
        return matrix

    def half(name, matrix):
        writer.add_tensor(name, matrix.astype(np.float16))

    half("token_embd.weight", embedding)
    half("output.weight", output)
    writer.add_tensor("output_norm.weight", np.ones(WIDTH, np.float32))
    for layer in range(LAYERS):
        block = f"blk.{layer}"
        writer.add_tensor(f"{block}.attn_norm.weight", np.ones(WIDTH, np.float32))
        writer.add_tensor(f"{block}.ffn_norm.weight", np.ones(WIDTH, np.float32))
        half(f"{block}.attn_q.weight", weights(WIDTH, WIDTH, scale=0.2))
        half(f"{block}.attn_k.weight", weights(KV_HEADS * HEAD, WIDTH, scale=0.2))
        half(f"{block}.attn_v.weight", weights(KV_HEADS * HEAD, WIDTH, scale=0.2))
        half(f"{block}.attn_output.weight", silent_in_dimension_0(weights(WIDTH, WIDTH, scale=0.1)))
        half(f"{block}.ffn_gate.weight", weights(FEED_FORWARD, WIDTH, scale=0.1))
        half(f"{block}.ffn_up.weight", weights(FEED_FORWARD, WIDTH, scale=0.1))
        half(f"{block}.ffn_down.weight", silent_in_dimension_0(weights(WIDTH, FEED_FORWARD, scale=0.1)))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


main(*sys.argv[1:])
