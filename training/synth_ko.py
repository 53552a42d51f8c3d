"""Korean tables of the template text: stories, facts and short exchanges.

A template writes a particle as a pair, such as ``{n}은/는``; :func:`particles` keeps the half
that fits the final consonant of the word before it.  ``[a|b]`` is a choice, ``{slot}`` a word.
"""

from __future__ import annotations

import random
import re

from training.synth_text import expand

# ------------------------------------------------------------------------------ words
NAMES = """민수 지우 하나 수진 영희 철수 도윤 서연 준호 보라 은지 현우 소라 유진 나래 다솜 하윤 시우
지민 예준 서준 지호 수아 아린 윤서 채원 건우 민준 태오 가온 미나 동하 세아 재민 은우""".split()
MOVES = {
    "토끼": "깡충깡충",
    "여우": "살금살금",
    "곰": "쿵쿵",
    "다람쥐": "쪼르르",
    "거북이": "엉금엉금",
    "강아지": "쫄래쫄래",
    "고양이": "사뿐사뿐",
    "사슴": "껑충껑충",
    "호랑이": "어슬렁어슬렁",
    "오리": "뒤뚱뒤뚱",
    "생쥐": "쪼르르",
    "너구리": "느릿느릿",
    "염소": "또각또각",
    "병아리": "종종",
    "고슴도치": "꼬물꼬물",
    "펭귄": "뒤뚱뒤뚱",
    "송아지": "터벅터벅",
    "원숭이": "폴짝폴짝",
}
PLACES = """작은 마을에,깊은 산속에,푸른 숲속에,바닷가 마을에,넓은 들판에,강가의 작은 집에,높은 언덕 위에,
조용한 시골에,맑은 호숫가에,커다란 느티나무 옆에""".replace("\n", "").split(",")
TRAITS = "착한,용감한,부지런한,호기심 많은,마음씨 고운,장난꾸러기,씩씩한,수줍은,똑똑한,작고 귀여운".split(",")
THINGS = """빨간 공,파란 연,나무 기차,곰 인형,노란 모자,그림책,은빛 방울,종이배,하얀 장갑,작은 북,
반짝이는 구슬,초록색 우산,꽃무늬 손수건,피리,바람개비,목도리""".replace("\n", "").split(",")
SPOTS = "침대 밑,문 뒤,풀숲,연못가,나무 아래,책상 위,바구니 속,마당,담장 옆,우물가,이불 속,상자 안".split(",")
FOODS = "떡,빵,수박,사과,고구마,만두,옥수수,감자,김밥,꿀떡,귤,복숭아,약과,송편,호떡".split(",")
FLOWERS = "해바라기,장미꽃,사과나무,호박,나팔꽃,감나무,봉숭아,콩".split(",")
TIMES = "어느 날,그러던 어느 날,어느 맑은 날,어느 봄날,어느 날 아침,어느 바람 부는 날,어느 여름날".split(",")
ELDERS = "엄마,아빠,할머니,할아버지,이모,삼촌".split(",")
QUESTIONS = """하늘은 왜 파랄까,달은 왜 밝을까,별은 왜 반짝일까,바다는 왜 짤까,눈은 왜 하얄까,
바람은 어디에서 올까,무지개는 왜 생길까,새는 어떻게 날까""".replace("\n", "").split(",")
OPENINGS = (
    "[옛날 옛적에|옛날 옛적에|옛날 옛날에|옛날에|아주 먼 옛날에] {place} {who}이/가 [살았어요|살고 있었어요].",
    "어느 날, {place} 사는 {who}에게 [재미있는|특별한|뜻밖의] 일이 생겼어요.",
    "{place} {who}이/가 살고 있었어요.",
    "옛날 어느 마을에 {who}이/가 살았어요. {n}은/는 늘 [잘 웃었어요|노래를 불렀어요|바빴어요].",
)
ENDINGS = (
    "그날 이후로 [모두 사이좋게 지냈어요|{n}은/는 더 씩씩해졌어요|{n}은/는 늘 웃었어요].",
    "[모두|그리고 모두] 행복하게 오래오래 살았답니다.",
    "정말 즐거운 하루였어요.",
    "그날 밤 {n}은/는 포근하게 잠이 들었어요.",
    "{n}은/는 오래오래 행복하게 살았어요.",
    "{n}은/는 그날을 오래오래 잊지 않았어요.",
    "{n}은/는 정말 행복했어요. 끝.",
)

# ---------------------------------------------------------- plots: topic -> paragraphs
PLOTS = {
    "잃어버린 물건": (
        "{n}은/는 {thing}을/를 아주 [좋아했어요|아꼈어요]. {elder}이/가 준 선물이었거든요.",
        "{time} {thing}이/가 보이지 않았어요. {spot}도 찾아보고 {spot2}도 찾아보았지만 어디에도 없었어요. "
        "{n}은/는 [너무 슬퍼서 울었어요|한숨을 쉬었어요].",
        '그때 {beast}이/가 {move} 다가왔어요. "왜 [울고 있니|슬퍼하니]?" {beast}이/가 물었어요. '
        '"{thing}을/를 잃어버렸어." {n}이/가 말했어요. "걱정하지 마. [내가 도와줄게|같이 찾아보자]."',
        '둘은 함께 찾아보았어요. 드디어 {spot3}에서 {thing}을/를 찾았어요! "고마워, {beast}아/야!" '
        "{n}은/는 활짝 웃었어요.",
    ),
    "다친 동물": (
        "{time} {n}은/는 길에서 {beast}을/를 만났어요. {beast}은/는 다리를 다쳐서 걸을 수 없었어요. "
        '"도와주세요." {beast}이/가 [작은 소리로|힘없이] 말했어요.',
        "{n}은/는 {beast}을/를 집으로 데려왔어요. 따뜻한 물과 {food}을/를 주고 [밤새 곁을 지켰어요|"
        "다리를 정성껏 싸매 주었어요].",
        '하루가 지나고 이틀이 지나자 {beast}은/는 점점 나았어요. "정말 고마워요. 이 은혜는 잊지 '
        '않을게요." {beast}은/는 인사를 하고 숲으로 돌아갔어요.',
        "[며칠 뒤|다음 해 봄에] {beast}이/가 다시 찾아왔어요. 입에는 예쁜 [꽃|열매|나뭇잎] 하나를 물고 있었어요.",
    ),
    "궁금한 것": (
        '{n}은/는 늘 궁금했어요. "{question}?"',
        '그래서 {n}은/는 {beast}에게 물었어요. {beast}은/는 고개를 저었어요. "나도 몰라. [지혜로운 '
        '부엉이|부엉이 할아버지]에게 물어봐."',
        '{n}은/는 부엉이를 찾아가서 물었어요. "부엉이 할아버지, {question}요?" 부엉이는 빙그레 웃었어요. '
        '"참 좋은 질문이구나. [매일 조금씩 배우면 언젠가 알게 될 거야|책을 펴 보렴. 그 안에 답이 있단다]."',
        "{n}은/는 고맙다고 인사하고 집으로 [돌아왔어요|뛰어갔어요].",
    ),
    "나누는 마음": (
        "{time} {n}은/는 맛있는 {food}을/를 먹고 있었어요. 그때 {beast}이/가 {move} 다가왔어요. "
        '"나도 배가 고파. [조금만 나누어 줄래|한 입만 줄래]?"',
        "{n}은/는 잠시 생각했어요. 그리고 {food}을/를 반으로 나누어 {beast}에게 주었어요. "
        '"고마워! 너는 정말 [착하구나|친절하구나]." {beast}이/가 말했어요.',
        "둘은 함께 {food}을/를 먹었어요. 혼자 먹을 때보다 훨씬 맛있었어요.",
    ),
    "달리기 시합": (
        '{time} {n}과/와 {beast}은/는 달리기 시합을 했어요. "하나, 둘, 셋, 출발!"',
        "{n}은/는 있는 힘껏 달렸어요. 그런데 뒤에서 쿵 하는 소리가 났어요. {beast}이/가 [돌에 걸려|"
        "진흙에 미끄러져] 넘어진 거예요.",
        '{n}은/는 달리기를 멈추고 돌아갔어요. "괜찮아, {beast}아/야?" {n}은/는 {beast}을/를 일으켜 주었어요. '
        "둘은 손을 잡고 함께 결승선까지 걸어갔어요.",
        '모두가 박수를 쳤어요. "[둘 다 일 등이에요|정말 멋진 친구들이에요]!"',
    ),
    "작은 씨앗": (
        '{time} {elder}이/가 {n}에게 작은 씨앗을 하나 주었어요. "잘 심고 [기다려 보렴|물을 주렴]."',
        "{n}은/는 [마당|밭|언덕]에 씨앗을 심고 매일 물을 주었어요. 하지만 며칠이 지나도 아무것도 나오지 "
        '않았어요. "왜 안 나올까?" {n}은/는 걱정했어요.',
        "비가 온 다음 날, [드디어|마침내] 초록 싹이 쏙 올라왔어요. 싹은 쑥쑥 자라서 [커다란|예쁜|튼튼한] "
        '{flower}이/가 되었어요. "기다리기를 잘했어!" {n}은/는 기뻐했어요.',
    ),
    "정직한 마음": (
        "{time} {n}은/는 집 안에서 뛰어놀다가 {elder}의 [꽃병|찻잔|그릇]을 깨뜨렸어요.",
        "{n}은/는 무서워서 깨진 조각을 {spot}에 숨겼어요. 하지만 마음이 무거워서 {food}도 먹을 수 없었어요.",
        '{n}은/는 {elder}에게 가서 말했어요. "제가 깨뜨렸어요. 죄송해요." {elder}은/는 {n}을/를 꼭 '
        '안아 주었어요. "[솔직하게 말해 주어서 고맙구나|다치지 않아서 다행이구나]."',
    ),
    "비 오는 소풍": (
        "{time} {n}과/와 {beast}은/는 {food}을/를 싸서 [강가|언덕|공원]으로/로 소풍을 갔어요.",
        '그런데 갑자기 비가 내리기 시작했어요. "아이고, 소풍을 망쳤네." {n}이/가 말했어요. "괜찮아. '
        '[우리 집으로 가자|큰 나무 밑으로 가자]!" {beast}이/가 말했어요.',
        "둘은 나란히 앉아 빗소리를 들으며 {food}을/를 먹었어요. [비 오는 날의 소풍도 참 즐거웠어요|"
        "하늘에는 곧 예쁜 무지개가 떴어요].",
    ),
    "무서운 밤": (
        '밤이 되었어요. 바람이 불고 창문이 덜컹거렸어요. "무서워요." {n}이/가 말했어요.',
        '{elder}이/가 곁에 와서 앉았어요. "[무서울 때는 천천히 숨을 쉬어 보렴|괜찮아. 바람이 노래하는 '
        '거란다]. 하나, 둘, 셋." {n}은/는 따라서 세었어요.',
        "{n}은/는 {thing}을/를 꼭 안고 눈을 감았어요. 꿈속에서 {n}은/는 {beast}과/와 함께 [별나라|바다|"
        "구름 나라]으로/로 여행을 떠났어요.",
    ),
    "닫힌 상자": (
        '{time} {n}은/는 {spot}에서 낡은 열쇠를 찾았어요. "[이건 무슨 열쇠일까|어디에 쓰는 열쇠일까]?"',
        "{n}은/는 문을 열어 보려고 했지만 열리지 않았어요. 서랍도 열리지 않았어요. 그때 {beast}이/가 {spot2}에서 "
        "오래된 상자를 [찾아냈어요|발견했어요].",
        '{n}은/는 상자를 열었어요. 상자에는 {thing}이/가 들어 있었어요. "[와, 보물이다|정말 예쁘다]!" '
        "{n}과/와 {beast}은/는 손뼉을 치며 기뻐했어요.",
    ),
}

# ------------------------------------------------------------------------------ facts
CAPITALS = dict(
    pair.split(":")
    for pair in """대한민국:서울 한국:서울 일본:도쿄 중국:베이징 프랑스:파리
영국:런던 독일:베를린 미국:워싱턴 이탈리아:로마 스페인:마드리드 러시아:모스크바 이집트:카이로 태국:방콕
베트남:하노이 캐나다:오타와 호주:캔버라 인도:뉴델리 그리스:아테네 터키:앙카라 몽골:울란바토르
스웨덴:스톡홀름 노르웨이:오슬로 덴마크:코펜하겐 핀란드:헬싱키 폴란드:바르샤바 페루:리마""".split()
)
DAYS = "월요일 화요일 수요일 목요일 금요일 토요일 일요일".split()
MONTHS = "일월 이월 삼월 사월 오월 유월 칠월 팔월 구월 시월 십일월 십이월".split()
NATIVE = "하나 둘 셋 넷 다섯 여섯 일곱 여덟 아홉 열".split()
SINO = "일 이 삼 사 오 육 칠 팔 구 십".split()
COLOURS = dict(
    pair.split(":")
    for pair in """하늘:파란색 풀:초록색 눈:하얀색 바나나:노란색 딸기:빨간색
까마귀:검은색 우유:하얀색 포도:보라색 병아리:노란색 나뭇잎:초록색 바다:파란색 당근:주황색 석탄:검은색
토마토:빨간색 개나리:노란색 초콜릿:갈색""".split()
)
OPPOSITES = dict(
    pair.split(":")
    for pair in """크다:작다 많다:적다 길다:짧다 높다:낮다 빠르다:느리다
밝다:어둡다 덥다:춥다 무겁다:가볍다 열다:닫다 넓다:좁다 좋다:나쁘다 쉽다:어렵다 가깝다:멀다 낮:밤
앉다:서다 오다:가다 웃다:울다 위:아래 안:밖 앞:뒤 시작:끝 여름:겨울 동쪽:서쪽""".split()
)
WORDS = dict(
    pair.split(":")
    for pair in """사과:apple 물:water 책:book 집:house 학교:school 친구:friend
어머니:mother 아버지:father 하늘:sky 바다:sea 나무:tree 꽃:flower 개:dog 고양이:cat 새:bird 해:sun 달:moon
별:star 사랑:love 이름:name 밤:night 길:road 산:mountain 강:river 손:hand 눈:eye 노래:song 이야기:story
문:door 창문:window 빵:bread 우유:milk 토끼:rabbit 곰:bear 왕:king 아이:child""".split()
)
SAYINGS = (
    "가는 말이 고와야 오는 말이 곱다.",
    "티끌 모아 태산.",
    "시작이 반이다.",
    "천 리 길도 한 걸음부터.",
    "백지장도 맞들면 낫다.",
    "낮말은 새가 듣고 밤말은 쥐가 듣는다.",
    "세 살 버릇 여든까지 간다.",
    "원숭이도 나무에서 떨어진다.",
    "고생 끝에 낙이 온다.",
    "소 잃고 외양간 고친다.",
    "호랑이도 제 말 하면 온다.",
    "콩 심은 데 콩 나고 팥 심은 데 팥 난다.",
    "바늘 도둑이 소도둑 된다.",
    "돌다리도 두들겨 보고 건너라.",
    "하늘이 무너져도 솟아날 구멍이 있다.",
    "발 없는 말이 천 리 간다.",
)
TRUTHS = (
    "봄, 여름, 가을, 겨울은 네 계절입니다.",
    "해는 동쪽에서 뜨고 서쪽으로 집니다.",
    "일주일은 칠 일입니다.",
    "일 년은 열두 달입니다.",
    "하루는 스물네 시간입니다.",
    "가 나 다 라 마 바 사 아 자 차 카 타 파 하",
    "거미는 다리가 여덟 개입니다.",
    "벌은 꿀을 만듭니다.",
    "지구는 태양 둘레를 돕니다.",
    "언어 모델은 글을 읽고 다음 토큰을 예측합니다.",
    "토큰은 글을 나눈 작은 조각입니다.",
    "물은 영 도에서 얼고 백 도에서 끓습니다.",
    "새는 하늘을 날고 물고기는 물에서 헤엄칩니다.",
)
TALK = (
    ("안녕하세요!", "안녕하세요! [무엇을 도와드릴까요|만나서 반가워요|이야기를 들려드릴까요]?"),
    (
        "[이름이 뭐예요|누구세요|너는 누구니]?",
        "저는 토큰 탐색기에 들어 있는 아주 작은 언어 모델이에요. 이야기하기를 좋아해요.",
    ),
    ("[고마워요|고맙습니다|감사합니다]!", "[천만에요!|도움이 되어 기뻐요.|언제든지 또 물어보세요.]"),
    ("[잘 자요|안녕히 주무세요].", "[안녕히 주무세요|편안한 밤 보내세요]. 좋은 꿈 꾸세요."),
    ("오늘 기분이 어때요?", "[아주 좋아요|오늘도 즐거워요]. 당신은 어때요?"),
    ("무엇을 할 수 있어요?", "짧은 이야기를 들려주고 아주 쉬운 질문에 대답할 수 있어요."),
    (
        "[오늘 날씨가 어때요|지금 몇 시예요|내일 비가 올까요]?",
        "미안해요. 저는 그것을 알 수 없어요. 대신 [이야기를 들려드릴게요|쉬운 질문을 해 주세요].",
    ),
)
_PARTICLE = re.compile(r"(.)(이에요/예요|으로/로|은/는|이/가|을/를|과/와|아/야)")
_PAST = re.compile(r"([가-힣])어요(?=[.!])")


def final_consonant(letter: str) -> int:
    """Return the number of the syllable's final consonant: 0 for none, 8 for rieul."""
    if letter.isdigit():
        letter = "영일이삼사오육칠팔구"[int(letter)]
    return (ord(letter) - 0xAC00) % 28 if "가" <= letter <= "힣" else 0


def particles(text: str) -> str:
    """Keep the fitting half of every pair of particles."""

    def fit(hit: re.Match[str]) -> str:
        closed, opened = hit[2].split("/")
        final = final_consonant(hit[1])
        use_open = not final or (final == 8 and opened == "로")
        return hit[1] + (opened if use_open else closed)

    return _PARTICLE.sub(fit, text)


def formal(text: str) -> str:
    """Turn the past tense outside quotation marks from the ``-어요`` into the ``-습니다`` style."""

    def ending(hit: re.Match[str]) -> str:
        return hit[1] + "습니다" if final_consonant(hit[1]) == 20 else hit[0]

    parts = text.split('"')
    return '"'.join(part if i % 2 else _PAST.sub(ending, part) for i, part in enumerate(parts))


def story(rng: random.Random, *, hero: str = "", topic: str = "") -> str:
    """Write one story, about the named child or kind of animal where one is given."""
    hero = hero or rng.choice(NAMES if rng.random() < 0.5 else list(MOVES))
    name = hero if hero in MOVES or not final_consonant(hero[-1]) else hero + "이"
    trait = rng.choice(TRAITS)
    who = f"{trait} {name} 한 마리" if hero in MOVES else f"{name}라는 {trait} 아이"
    spots = rng.sample(SPOTS, 3)
    beast = rng.choice([kind for kind in MOVES if kind != hero])
    slots = {
        "n": name,
        "who": who,
        "beast": beast,
        "move": MOVES[beast],
        "place": rng.choice(PLACES),
        "spot": spots[0],
        "spot2": spots[1],
        "spot3": spots[2],
        "thing": rng.choice(THINGS),
        "food": rng.choice(FOODS),
        "flower": rng.choice(FLOWERS),
        "time": rng.choice(TIMES),
        "elder": rng.choice(ELDERS),
        "question": rng.choice(QUESTIONS),
    }
    plot = PLOTS[topic or rng.choice(list(PLOTS))]
    parts = [rng.choice(OPENINGS), *plot]
    if parts[0].startswith("어느 날"):
        slots["time"] = rng.choice(("그날 아침", "그날 낮에", "그날"))
    parts[-1] += " " + rng.choice(ENDINGS)
    text = rng.choice(("\n\n", "\n\n", "\n", " ")).join(expand(rng, p, slots) for p in parts)
    text = particles(text)
    return formal(text) if rng.random() < 0.25 else text


def _sum(rng: random.Random) -> tuple[str, str]:
    a, b = rng.randint(1, 10), rng.randint(1, 10)
    if rng.random() < 0.4:
        a, b = max(a, b), min(a, b)
        return f"{a} 빼기 {b}은/는 얼마예요?", f"{a} 빼기 {b}은/는 {a - b}입니다."
    return f"{a} 더하기 {b}은/는 얼마예요?", f"{a} 더하기 {b}은/는 {a + b}입니다."


def _sequence(rng: random.Random) -> tuple[str, str]:
    if rng.random() < 0.5:
        names, what = rng.choice(((DAYS, "요일"), (MONTHS, "달")))
        i = rng.randrange(len(names) - 1)
        ask = "무슨 요일" if what == "요일" else "몇 월"
        return f"{names[i]} 다음은 {ask}인가요?", f"{names[i]} 다음은 {names[i + 1]}입니다."
    return rng.choice(
        (
            ("하나부터 열까지 세어 주세요.", ", ".join(NATIVE) + "."),
            ("일부터 십까지 세어 주세요.", ", ".join(SINO) + "."),
            ("요일을 차례대로 말해 주세요.", ", ".join(DAYS) + "."),
            ("열두 달을 차례대로 말해 주세요.", ", ".join(MONTHS) + "."),
        )
    )


def question(rng: random.Random) -> tuple[str, str]:
    """Return a question on a simple fact and its answer."""
    kind = rng.randrange(8)
    if kind <= 1:
        land, city = rng.choice(list(CAPITALS.items()))
        asked = f"{land}의 수도는 [어디인가요|어디예요|무엇인가요]?"
        pair = asked, f"[{land}의 수도는 {city}입니다.|{land}의 수도는 {city}이에요/예요.]"
    elif kind == 2:
        thing, colour = rng.choice(list(COLOURS.items()))
        asked = f"{thing}은/는 무슨 색인가요?"
        pair = asked, f"{thing}은/는 {colour}[입니다|이에요/예요]."
    elif kind == 3:
        word, other = rng.choice(list(OPPOSITES.items()))
        asked = f"'{word}'의 [반대말|반대]은/는 무엇인가요?"
        pair = asked, f"'{word}'의 반대말은 '{other}'입니다."
    elif kind == 4:
        word, english = rng.choice(list(WORDS.items()))
        pair = rng.choice(
            (
                (f"{word}은/는 영어로 무엇인가요?", f"{word}은/는 영어로 {english}입니다."),
                (f"What does {word} mean?", f"{word} means {english} in English."),
                (f"What is the Korean for {english}?", f"The Korean word for {english} is {word}."),
            )
        )
    elif kind == 5:
        pair = _sum(rng)
    elif kind == 6:
        pair = _sequence(rng)
    else:
        pair = "속담을 하나 알려 주세요.", rng.choice(SAYINGS)
    asked, answer = (particles(expand(rng, text, {})) for text in pair)
    return asked, answer


def facts(rng: random.Random) -> str:
    """Write a document of a few plain facts, some of them with their questions."""
    lines = []
    for _ in range(rng.randint(3, 8)):
        asked, answer = question(rng)
        plain = rng.choice(TRUTHS + SAYINGS)
        lines.append(rng.choice((answer, answer, f"{asked} {answer}", plain)))
    return rng.choice(("\n", " ")).join(lines)


def exchange(rng: random.Random) -> tuple[str, str]:
    """Return one turn of a chat: what the user says and what the assistant answers."""
    if rng.random() > 0.4:
        if rng.random() < 0.7:
            return question(rng)
        asked, answer = rng.choice(TALK)
        return expand(rng, asked, {}), expand(rng, answer, {})
    please = "[해 주세요|들려주세요|해 줘]."
    kind = rng.randrange(4)
    if kind == 0:
        hero = rng.choice(list(MOVES))
        return expand(rng, f"{hero} 이야기를 {please}", {}), story(rng, hero=hero)
    if kind == 1:
        hero = rng.choice(NAMES)
        name = hero + "이" if final_consonant(hero[-1]) else hero
        return expand(rng, f"{name}라는 아이 이야기를 {please}", {}), story(rng, hero=hero)
    if kind == 2:
        topic = rng.choice(list(PLOTS))
        asked = particles(f"'{topic}' 이야기를 {please}")
        return expand(rng, asked, {}), story(rng, topic=topic)
    asked = f"[재미있는|짧은|아름다운] [이야기를 하나 {please}|동화를 들려주세요.]"
    return expand(rng, asked, {}), story(rng)
